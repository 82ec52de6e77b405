"""A Cluster on a Kubernetes API server."""
