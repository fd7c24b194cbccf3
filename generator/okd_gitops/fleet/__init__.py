"""What people write, read once: fleet.yaml, clusters/, features, purposes, local changes."""
