"""Where releases are read: each module asks one kind of source; `all` asks those that a fleet names."""
