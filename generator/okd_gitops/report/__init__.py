"""Report: a change as a reader sees it, as Markdown for pull requests."""
