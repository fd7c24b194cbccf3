"""Which cluster goes to which release, and whether now."""
