"""Everything outside the program: git, forges, HTTP, processes, disk, journal, tools."""
