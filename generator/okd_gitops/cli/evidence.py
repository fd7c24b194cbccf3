"""`okd-gitops release observe`: what clusters report."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from okd_gitops.cli.options import AT, DRY_RUN, OUTPUT, PUSH, REMOTE, cache_of, clock, root_of
from okd_gitops.cli.output import echo, print_result

if TYPE_CHECKING:
    from okd_gitops.evidence.observe import Observed
    from okd_gitops.system.http import Http

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@click.command()
@click.argument("cluster")
@click.option(
    "--api",
    default="https://kubernetes.default.svc",
    show_default=True,
    help="URL of the cluster's API server.",
)
@click.option(
    "--account",
    type=click.Path(file_okay=False, path_type=Path),
    default=_ACCOUNT,
    show_default=True,
    help="Folder with token, ca.crt and service-ca.crt. The last one is optional.",
)
@click.option(
    "--patience",
    default="4h",
    show_default=True,
    metavar="TIME",
    help="Record a failure that lasts longer than this. Write it like 90m, 4h or 2d.",
)
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="NAME=URL",
    help="HTTPS URL that must answer with status 200. Repeatable.",
)
@AT
@PUSH
@REMOTE
@DRY_RUN
@OUTPUT
@click.pass_context
def observe(
    context: click.Context,
    *,
    cluster: str,
    api: str,
    account: Path,
    patience: str,
    tests: tuple[str, ...],
    at: str,
    push: bool,
    remote: str,
    dry_run: bool,
    output: str,
) -> None:
    """Inspect CLUSTER and record how its upgrade went.

    Runs inside the cluster at regular intervals and asks its API about the release that Git names for it. A
    complete release with all operators healthy is recorded as passed, one that has failed for longer than
    --patience as failed. Each release is recorded once. Exits 1 if the cluster passed and is unhealthy now.
    """
    from okd_gitops.evidence.observe import Question, addresses, bound
    from okd_gitops.evidence.observe import observe as run

    root = root_of(context)
    http = _as_account(account, api, cache_of(context, root) / "answers")
    question = Question(
        cluster=cluster, api=api, tests=addresses(tests), patience=bound(patience), now=clock(at)
    )
    result = run(root, http, question, write=not dry_run, remote=remote if push else "")

    def as_text() -> None:
        echo(f"{cluster}: {result.reason}")
        _print_file(result, dry_run=dry_run)

    body = {"cluster": cluster, "reason": result.reason, **_file_as_json(result)}
    print_result(output, "Observation", body, as_text)


def _file_as_json(result: "Observed") -> dict[str, object]:
    return {"path": result.path, "new": result.new, "commit": result.sha, "text": result.text}


def _print_file(result: "Observed", *, dry_run: bool) -> None:
    """Print what became of a report; nothing when there is no report yet."""
    if not result.path:
        return

    new = "would be recorded" if dry_run else "recorded"
    state = new if result.new else "already recorded"
    pushed = f", pushed as {result.sha[:12]}" if result.sha else ""
    echo(f"{result.path}: {state}{pushed}")

    if dry_run:
        echo(result.text, nl=False)


def _as_account(account: Path, api: str, answers: Path) -> "Http":
    """Return a client that asks as the service account; raises UsageError when there is none.

    The files of the account are links that the kubelet exchanges, so they are read on each run.
    """
    from okd_gitops.errors import UsageError
    from okd_gitops.system.http import Http

    try:
        token = (account / "token").read_text().strip()
        authorities = (account / "ca.crt").read_bytes()
    except (OSError, ValueError):
        raise UsageError(
            f"there is no service account in {account}",
            "run this in a pod with its account's token, or give --account",
        ) from None

    # OpenShift signs the certificates of services with another authority than the API server's.
    services = account / "service-ca.crt"

    if services.is_file():
        authorities += b"\n" + services.read_bytes()

    return Http(answers, tokens={urlsplit(api).hostname or "": token}, authorities=authorities)
