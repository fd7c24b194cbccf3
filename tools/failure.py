"""The one way in which set-up fails: a reason, and whether the network was it."""


class SetupError(Exception):
    """Set-up cannot go on. Exit codes are those of okd-gitops: 4 for a tool, 6 for the network."""

    def __init__(self, reason: str, *, network: bool = False) -> None:
        super().__init__(reason)
        self.exit_code = 6 if network else 4
