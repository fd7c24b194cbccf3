"""The commands that try a release on clusters that are made for it, and tell how it went."""

import sys
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from okd_gitops.cli.completion import recorded_versions
from okd_gitops.cli.options import AT, OUTPUT, RECORDS, clock, fleet_of, root_of, writes
from okd_gitops.cli.output import echo, print_result, progress
from okd_gitops.cli.save_edit import edits, save, way_of

if TYPE_CHECKING:
    from okd_gitops.lifecycle.tried_release import Tried

_EVERY = 60


@click.command(name="try")
@click.argument("version", default="", metavar="[VERSION]", shell_complete=recorded_versions)
@click.option("--candidate", default="", metavar="STREAM", help="Try a candidate that no record has.")
@click.option("--image", default="", metavar="IMAGE@DIGEST", help="Image of the candidate.")
@click.option("--signature", default="", metavar="BASE64", help="Signature of the candidate.")
@click.option(
    "--before",
    nargs=2,
    metavar="VERSION IMAGE@DIGEST",
    help="Release from which a second cluster upgrades.",
)
@click.option("--suite", default="", help="Suite that the candidate must pass. Default: that of `trials`.")
@RECORDS
@AT
@edits
@click.pass_context
@writes
def try_(context: click.Context, version: str, **options: Any) -> None:
    """Ask for the clusters that try a release.

    One is installed with it, and one with the release before, from which it upgrades. Without VERSION, these
    are the newest releases of the streams that `trials` of fleet.yaml names. A release that has its clusters,
    or has been tried, is left alone. A candidate is a release that is not published: its image must be given.
    `release observe` records how it went, `cluster tried` tells it; `cluster expire` removes the clusters.
    """
    from okd_gitops.errors import UsageError
    from okd_gitops.lifecycle.edit_clusters import try_candidate, try_releases
    from okd_gitops.lifecycle.try_releases import Candidate

    names = ("candidate", "image", "signature", "before", "suite")
    stream, image, signature, before, suite = (options.pop(name) for name in names)
    way = replace(way_of(options), reads_records=not stream)
    now = clock(way.at)

    if bool(stream) != bool(image) or (stream and not version):
        raise UsageError("a candidate needs a version, a stream and an image", "see the help of this command")

    if not stream and (signature or before or suite):
        raise UsageError("--signature, --before and --suite are those of a candidate", "add --candidate")

    candidate = Candidate(
        stream=stream, version=version, image=image, signature=signature, before=before, suite=suite
    )

    save(
        context,
        "ClusterTrial",
        f"try-{version or 'releases'}",
        lambda folder, records, saving: (
            try_candidate(folder, candidate, saving, now=now)
            if stream
            else try_releases(folder, version, records, saving, now=now)
        ),
        way,
    )


@click.command()
@click.argument("version", shell_complete=recorded_versions)
@click.option("--image", default="", metavar="IMAGE@DIGEST", help="Image. Default: that of the clusters.")
@click.option("--wait", "waits", default="", metavar="12h", help="Wait for the reports for so long.")
@click.option(
    "--interval",
    default=_EVERY,
    show_default=True,
    type=click.IntRange(0, 3600),
    metavar="SECONDS",
    help="Look so often.",
)
@click.option("--upgrades", is_flag=True, help="Ask for the cluster that upgrades, too.")
@click.option("--remote", default="origin", show_default=True, help="Read the reports of this remote.")
@OUTPUT
@click.pass_context
def tried(
    context: click.Context,
    version: str,
    *,
    image: str,
    waits: str,
    interval: int,
    upgrades: bool,
    remote: str,
    output: str,
) -> None:
    """Tell how a release went on the clusters that try it.

    Reads the branch `records` of the remote, where `release observe` reports. Ends with 0 when all clusters
    have passed the release, with 1 when one has failed, and with 5 when one has not reported. Reports of an
    earlier cluster of the same name count nothing, nor one without the suite that the cluster runs.
    """
    from okd_gitops.errors import BusyError, RemoteError, UsageError
    from okd_gitops.evidence.records import Records, fetched_records
    from okd_gitops.lifecycle.committed import read_committed
    from okd_gitops.lifecycle.tried_release import asked_for, await_reports
    from okd_gitops.system import branches
    from okd_gitops.times import parse_duration

    try:
        until = time.monotonic() + (parse_duration(waits) if waits else timedelta()).total_seconds()
    except ValueError as error:
        raise UsageError(str(error), "write it in minutes, hours or days, like 12h") from None

    root, say = root_of(context), progress(context)
    fleet, added = fleet_of(context), read_committed(root).added
    asked = asked_for(fleet, version, image, added, upgrades=upgrades)
    url = branches.address(root, remote, fleet.spec.repository)

    def read() -> Records:
        try:
            return fetched_records(root, url)
        except (RemoteError, BusyError) as error:
            # A forge that is away for a minute ends no wait of hours.
            if time.monotonic() >= until:
                raise

            say(error.reason)

            return Records()

    def wait() -> bool:
        if time.monotonic() >= until:
            return False

        say(f"waiting for {', '.join(asked.names)}")
        time.sleep(interval)

        return True

    result = await_reports(asked, read, wait)
    print_result(output, "ClusterTried", _as_json(result), lambda: _print(result))

    if not result.passed:
        sys.exit(1 if result.failed else 5)


def _as_json(result: "Tried") -> dict[str, object]:
    return {
        "version": result.asked.version,
        "image": result.asked.image,
        "passed": result.passed,
        "reports": [report.model_dump(mode="json", by_alias=True) for report in result.reports],
        "missing": result.missing,
    }


def _print(result: "Tried") -> None:
    for report in result.reports:
        tests = "".join(f", {name} {how}" for name, how in sorted(report.tests.items()))
        words = f": {report.reason}" if report.reason else tests
        echo(f" {'passed' if report.passed else 'failed'}{words}", head=report.cluster)

    for name in result.missing:
        echo(" has not reported", head=name)
