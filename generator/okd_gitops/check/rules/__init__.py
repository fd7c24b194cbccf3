"""The rules, one file each; `policy.py` says what a rule is."""
