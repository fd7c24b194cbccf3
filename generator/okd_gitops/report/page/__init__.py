"""Page: the fleet, and what a change does to it, as one file for a browser."""
