"""A change against its base: what it does to clusters and fleet, and what keeps it from being merged."""
