"""The rules, one file each; `rule_set.py` tells what a rule is."""
