"""sealbridge: carry secrets into Kubernetes the GitOps way, sealed in Git or synced from stores."""

__version__ = "0.1.0"
