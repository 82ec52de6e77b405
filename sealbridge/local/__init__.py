"""A Cluster in a directory: no Kubernetes needed."""
