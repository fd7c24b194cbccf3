"""A wave of upgrades as a branch, its commits and its pull request."""
