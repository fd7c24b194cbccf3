"""The multi-arch gate: a service of its own."""
