"""The rules, one file each; `run_rules.py` tells what a rule is."""
