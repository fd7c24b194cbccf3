"""Write, check and explain a GitOps repository for OKD clusters."""

__version__ = "0.1.0"
