"""The Secrets of a cluster, and a bash script with which a person makes those that no store provides.

No value passes through here: the script asks the person who runs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from okd_gitops.errors import UsageError
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.feature import Origin
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.plan import ClusterPlan, plan_of
from okd_gitops.generate.secret_needs import NeededSecret

_HEAD = """\
# Secrets of {cluster}. Save this text, read it, and run it with bash where kubectl reaches {cluster}.
# It asks for each value, or for the path of a file that contains it; no value is an argument or is printed.
# An empty path leaves the key out; without any answer, the Secret is skipped, and the next run asks again.
# A Secret that exists is kept. The first sync brings the namespaces.
set -euo pipefail
"""
_RIGHT_CLUSTER = """\
[ "$(kubectl get clusterversion version --output 'jsonpath={{.spec.clusterID}}')" = {cluster_id} ] ||
  {{ echo {message} >&2; exit 1; }}
"""
_ASK = {
    Origin.RANDOM: 'value_{number}="$(openssl rand -hex 32)"',
    Origin.TYPED: "read -rsp {prompt} value_{number}; echo >&2",
    Origin.FILE: "read -rep {prompt} file_{number}",
}
_PROMPT = {Origin.RANDOM: "", Origin.TYPED: "{name}, {key}: ", Origin.FILE: "{name}, file for {key}: "}
_FOLDER = "{name}, folder with its files: "


@dataclass(frozen=True, slots=True)
class SecretToMake:
    """A Secret that a cluster needs: its key in the store that provides it, or the command that makes it."""

    needed: NeededSecret
    store_key: str = ""
    command: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it as the command line prints it for programs."""
        needed = self.needed
        return {
            "namespace": needed.namespace,
            "name": needed.name,
            "type": needed.type,
            "keys": needed.keys,
            "origin": needed.origin,
            "used": needed.uses,
            "features": needed.features,
            "storeKey": self.store_key or None,
            "command": self.command or None,
        }


@dataclass(frozen=True, slots=True)
class ClusterSecrets:
    """All Secrets that the features of a cluster need."""

    cluster: Cluster
    secrets: tuple[SecretToMake, ...]


def secrets_of(fleet: Fleet, name: str) -> ClusterSecrets:
    """Return the Secrets of a cluster of a fleet.

    Raises UsageError for a name that is not in the fleet, and FindingsError for a faulty fleet.
    """
    if fleet.cluster(name) is None:
        names = [cluster.name for cluster in fleet.clusters]
        raise UsageError(f'no cluster is called "{name}"', nearest(name, names))

    planned = next(each for each in plan_of(fleet, name).clusters if each.cluster.name == name)
    return ClusterSecrets(planned.cluster, tuple(_to_make(planned, each) for each in planned.needed_secrets))


def script(result: ClusterSecrets) -> str:
    """Return the bash script that makes what is missing, with a comment for everything that a store has."""
    name = result.cluster.name
    missing = [secret for secret in result.secrets if secret.command]
    provided = [secret for secret in result.secrets if not secret.command]

    if not result.secrets:
        return f"# The features of {name} need no Secret.\n"

    lines = [_HEAD.format(cluster=name), _right_cluster(result.cluster)] if missing else []

    for secret in missing:
        lines.append(f"\n{_comment(secret.needed)}\n{secret.command}\n")

    if provided:
        lines.append(f"\n# The store of {name} provides these; their values belong there, at:\n")
        lines += [f"#   {secret.store_key}: {_keys(secret.needed)}\n" for secret in provided]

    return "".join(lines).lstrip("\n")


def _to_make(planned: ClusterPlan, needed: NeededSecret) -> SecretToMake:
    store = planned.stored_secrets
    if store:
        return SecretToMake(needed, store_key=store.key_of(needed))

    return SecretToMake(needed, command=_command(needed))


def _right_cluster(cluster: Cluster) -> str:
    """Return what stops the script on another cluster; only OKD clusters have an ID."""
    if not cluster.spec.cluster_id:
        return ""

    message = quote(f"this cluster is not {cluster.name}")
    return _RIGHT_CLUSTER.format(cluster_id=quote(cluster.spec.cluster_id), message=message)


def _comment(needed: NeededSecret) -> str:
    uses = " ".join("; ".join(needed.uses).split())
    return f"# {needed.namespace}/{needed.name} ({', '.join(needed.features)}): {uses}"


def _keys(needed: NeededSecret) -> str:
    return ", ".join(needed.keys) or "its files by name"


def _command(needed: NeededSecret) -> str:
    """Return a command that asks for the values and makes the Secret unless it exists."""
    place = f"{quote(needed.name)} --namespace {quote(needed.namespace)}"
    secret_type = "" if needed.type == "Opaque" else f" --type {quote(needed.type)}"
    asked = _questions(needed)
    sources = _sources(needed)
    create = " \\\n    ".join([f"kubectl create secret generic {place}{secret_type}", *sources])
    skipped = quote(f"skipped {needed.namespace}/{needed.name}: no answer")
    # In an assignment, a kubectl that fails ends the script; a Secret that is missing is no failure.
    lines = [
        f"existing=$(kubectl get secret {place} --ignore-not-found --output name)",
        '[ -n "$existing" ] || {',
        *(f"  {line}" for line in asked),
        f'  if [ -z "{_answers(needed)}" ]; then echo {skipped} >&2; else',
        f"  {create}",
        "  fi",
        "}",
    ]

    return "\n".join(lines)


def _answers(needed: NeededSecret) -> str:
    """Return all answers in one word of the shell, which is empty where every answer is."""
    if not needed.keys:
        return "$folder"

    kind = "file" if needed.origin == Origin.FILE else "value"

    return "".join(f"${{{kind}_{number}}}" for number in range(1, len(needed.keys) + 1))


def _questions(needed: NeededSecret) -> Sequence[str]:
    if not needed.keys:
        return [f"read -rep {quote(_FOLDER.format(name=needed.name))} folder"]

    prompts = [_PROMPT[needed.origin].format(name=needed.name, key=key) for key in needed.keys]
    return [
        _ASK[needed.origin].format(prompt=quote(prompt), number=number)
        for number, prompt in enumerate(prompts, 1)
    ]


def _sources(needed: NeededSecret) -> Sequence[str]:
    """Return where kubectl reads the values: a file, or a pipe from the shell, which is no argument."""
    if not needed.keys:
        return ['--from-file="$folder"']

    if needed.origin == Origin.FILE:
        return [
            f'${{file_{number}:+--from-file={quote(key)}="$file_{number}"}}'
            for number, key in enumerate(needed.keys, 1)
        ]

    return [
        f'--from-file={quote(key)}=<(printf %s "$value_{number}")'
        for number, key in enumerate(needed.keys, 1)
    ]
