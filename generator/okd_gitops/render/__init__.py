"""What a cluster would get, built by kustomize."""
