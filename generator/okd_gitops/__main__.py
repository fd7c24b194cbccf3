"""`python -m okd_gitops`: the same as the console script."""

from okd_gitops.cli import main

main()
