"""The commands by name, each imported when it is asked for: the list of all needs no command."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import click

# The module of each command, and its name there if that differs, with the first line of its help.
COMMANDS = {
    "bootstrap": ("bootstrap", "Print what brings the hub up, or do it."),
    "check": ("check", "Check drift, builds, schemas and rules."),
    "cluster": ("cluster", "Add, remove and list clusters."),
    "commit": ("files", "Commit cluster files together with what they generate."),
    "diff": ("files", "Show what changes on each cluster since a commit."),
    "doctor": ("repository", "Find what is missing on this machine."),
    "explain": ("repository", "Explain a value of a cluster, or a name."),
    "generate": ("files", "Write bases/, overlays/ and argocd/ from clusters/."),
    "import": ("repository:import_", "Create cluster files from another repository."),
    "init": ("repository", "Start a repository."),
    "release": ("release", "Find releases, plan upgrades and roll them out."),
    "report": ("report", "Describe a change, or the fleet, to a reader."),
    "schema": ("repository", "Print a JSON Schema for an editor."),
    "secrets": ("secrets", "Print the commands that make a cluster's Secrets."),
    "serve": ("serve", "Run a service inside a cluster."),
    "status": ("status", "Show where every cluster stands."),
    "tool-update": ("tools:tool_update", "Show what another version would change."),
    "tools": ("tools", "Get kustomize, kubeconform and the schemas."),
}


class Commands(MutableMapping[str, click.Command]):
    """The commands of COMMANDS, and what is added to them."""

    def __init__(self) -> None:
        self._found: dict[str, click.Command | None] = dict.fromkeys(COMMANDS)

    def __getitem__(self, name: str) -> click.Command:
        found = self._found[name]

        if found is None:
            module, _, function = COMMANDS[name][0].partition(":")
            found = self._found[name] = getattr(import_module(f"okd_gitops.cli.{module}"), function or name)

        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class AllCommands(click.Group):
    """The group of all commands, which are imported one by one."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, commands=Commands())

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands by what COMMANDS has."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, first_line) for name, (_, first_line) in COMMANDS.items()])
