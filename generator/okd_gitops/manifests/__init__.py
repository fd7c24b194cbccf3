"""YAML and Kubernetes objects as data."""
