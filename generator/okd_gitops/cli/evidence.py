"""The command line of what clusters report: `okd-gitops release observe` and `record`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from okd_gitops.cli.output import AT, OUTPUT, cache_of, clock, print_json, root_of, say

if TYPE_CHECKING:
    from okd_gitops.system.http import Http

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_PUSH = click.option("--push", is_flag=True, help="Commit it on the fleet's branch and push that.")
_REMOTE = click.option("--remote", default="origin", show_default=True, help="Where to push.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Write nothing; print the report.")


@click.command()
@click.argument("cluster")
@click.option("--version", required=True, help="The release that the cluster completed.")
@click.option("--image", required=True, help="Its image by digest: status.history[0].image.")
@click.option(
    "--finished", default="", metavar="TIME", help="When, UTC, like 2026-11-21T12:00:00Z; default: now."
)
@click.option("--passed/--failed", required=True, help="The result.")
@click.option(
    "--operators",
    type=click.Choice(["healthy", "degraded", "unknown"]),
    default="unknown",
    show_default=True,
    help="All cluster operators.",
)
@click.option(
    "--test", "tests", multiple=True, metavar="NAME=passed|failed", help="A test and its result. Repeatable."
)
@click.option("--reason", default="", help="Why it failed.")
@AT
@_PUSH
@_REMOTE
@_DRY_RUN
@OUTPUT
@click.pass_context
def record(
    context: click.Context,
    /,
    *,
    cluster: str,
    finished: str,
    at: str,
    tests: tuple[str, ...],
    push: bool,
    remote: str,
    dry_run: bool,
    output: str,
    **said: Any,
) -> None:
    """Record what CLUSTER reported after an upgrade, in evidence/. By hand, or by `observe`; once for each
    release.
    """
    from okd_gitops.evidence.record import record as run
    from okd_gitops.evidence.report import report_of

    report = report_of(cluster=cluster, finished=clock(finished or at), tests=tests, **said)
    done = run(root_of(context), report, write=not dry_run, remote=remote if push else "")
    if output == "json":
        print_json("Evidence", {"path": done.path, "new": done.new, "commit": done.sha, "text": done.text})
    else:
        say(
            f"{done.path}: {'recorded' if done.new else 'was there already'}"
            + (f", pushed as {done.sha[:12]}" if done.sha else "")
        )
        if dry_run:
            say(done.text, nl=False)


@click.command()
@click.argument("cluster")
@click.option(
    "--api", default="https://kubernetes.default.svc", show_default=True, help="The cluster's API server."
)
@click.option(
    "--account",
    type=click.Path(file_okay=False, path_type=Path),
    default=_ACCOUNT,
    show_default=True,
    help="Folder with the files token, ca.crt and (where there is one) service-ca.crt.",
)
@click.option(
    "--patience",
    default="4h",
    show_default=True,
    help="How long what fails may fail before the release has failed here, e.g. 90m.",
)
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="NAME=URL",
    help="An https address in the cluster that must answer 200. Repeatable.",
)
@AT
@_PUSH
@_REMOTE
@_DRY_RUN
@OUTPUT
@click.pass_context
def observe(
    context: click.Context,
    /,
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
    """Look at CLUSTER through its own API, and record how the release went that git says it runs. Runs on
    the cluster, again and again.

    A release that is complete with every operator well is recorded as passed, one that has failed for longer
    than --patience as failed, once; until then nothing is. Exit 1 when the cluster passed and something is
    wrong now.
    """
    from okd_gitops.evidence.observe import Question, addresses, bound
    from okd_gitops.evidence.observe import observe as run

    root = root_of(context)
    question = Question(
        cluster=cluster, api=api, tests=addresses(tests), patience=bound(patience), now=clock(at)
    )
    done = run(
        root,
        _asking(account, api, cache_of(context, root) / "answers"),
        question,
        write=not dry_run,
        remote=remote if push else "",
    )
    if output == "json":
        report = {"path": done.path, "new": done.new, "commit": done.sha, "text": done.text}
        print_json("Observation", {"cluster": cluster, "reason": done.reason, **report})
        return
    say(f"{cluster}: {done.reason}")
    if done.path:
        say(
            f"{done.path}: {'recorded' if done.new else 'was there already'}"
            + (f", pushed as {done.sha[:12]}" if done.sha else "")
        )
    if done.text and dry_run:
        say(done.text, nl=False)


def _asking(account: Path, api: str, answers: Path) -> "Http":
    """Return what asks as the service account. Its files are links that the kubelet exchanges, so they are
    read here, each time.
    """
    from okd_gitops.errors import UsageError
    from okd_gitops.system.http import Http

    try:
        token, authorities = (account / "token").read_text().strip(), (account / "ca.crt").read_bytes()
    except (OSError, ValueError):
        raise UsageError(
            f"there is no service account in {account}",
            "run this in a pod with its account's token, or say --account",
        ) from None
    # OpenShift signs the certificates of services with an authority of its own, and puts it beside the API
    # server's.
    services = account / "service-ca.crt"
    authorities += b"\n" + services.read_bytes() if services.is_file() else b""
    return Http(answers, tokens={urlsplit(api).hostname or "": token}, authorities=authorities)
