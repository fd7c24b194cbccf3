"""Where releases are read: each module asks one kind of source and returns an Answer; `collect` asks all
that a fleet names.
"""
