"""Small fleets with a change in the work tree, for the golden files of reports: what a person edits,
generated and judged against the commit before.

Signatures are made by the clock of this machine, so days and hashes are shown as `…`.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from pysequoia import Tsk, sign

from okd_gitops.evidence.records import read_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.write_records import write_records
from okd_gitops.generate.generate import generate
from okd_gitops.releases.record import RecordedEdge, RecordedImage, RecordedSignature, ReleaseRecord
from okd_gitops.report.report import Description
from okd_gitops.report.report import report as describe

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OKD_GITOPS_CACHE", ROOT / ".cache")).resolve()
FOLDER = ROOT / "tests" / "report" / "changes"
OLDER, OLD, NEW = "4.21.0-okd-scos.9", "4.21.0-okd-scos.10", "4.21.0-okd-scos.11"
NEWER = "4.21.0-okd-scos.12"
_REPOSITORY = "registry.ci.openshift.org/origin/release-scos"
_KEY = Tsk.generate("OKD test <test@example.org>")
_DAY = re.compile(r"\b20\d\d-\d\d-\d\d( \d\d:\d\d|T\d\d:\d\d:\d\dZ)?")
_HASH = re.compile(r"(?<=[` ])[0-9a-f]{12}(?=[`\n])")
_FINGERPRINT = re.compile(r"\b[0-9A-F]{16,40}\b")
_FLEET = """\
# What every cluster of the fleet shares.
repository: https://github.com/moc/fleet.git
hub: moc-hub
owners: [moc-ops]
upstream: https://amd64.origin.releases.ci.openshift.org/graph
releases:
  controller: https://amd64.origin.releases.ci.openshift.org
  signatures:
    store: https://storage.googleapis.com/openshift-ci-release/releases/signatures/openshift/release
    keys: [keys/test.asc]
    fingerprints: [{fingerprint}]
"""
_CLUSTER = """\
purpose: {purpose}
server: https://api.{name}.massopen.cloud:6443
clusterID: {uuid}
release:
  stream: 4-scos-stable
  channel: stable-scos-4
  version: {version}
  image: {image}
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a fleet: its clusters with their purposes, and what is edited."""

    clusters: Mapping[str, str]
    edit: Callable[[Path], None]


def image(version: str) -> str:
    """Return the made-up image of a version."""
    return f"{_REPOSITORY}@sha256:{sha256(version.encode()).hexdigest()}"


def move(root: Path, name: str, version: str) -> None:
    """Let the file of a cluster name another release."""
    path = root / f"clusters/{name}.yaml"
    old = re.search(r"version: (\S+)", path.read_text())
    assert old
    path.write_text(path.read_text().replace(old[1], version).replace(image(old[1]), image(version)))


def _bump(root: Path) -> None:
    for name in ("moc-cd", "moc-prod"):
        move(root, name, NEW)


def _feature(root: Path) -> None:
    path = root / "clusters/moc-test.yaml"
    path.write_text(f"{path.read_text()}features:\n  kvm-device-plugin:\n")


def _removed(root: Path) -> None:
    (root / "clusters/moc-lab.yaml").unlink()


def _bad(root: Path) -> None:
    move(root, "moc-cd", OLDER)
    fleet = root / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace("github.com/moc/", "github.com/m0c/"))


def _sixty(root: Path) -> None:
    for path in sorted((root / "clusters").glob("edge-*.yaml")):
        move(root, path.stem, NEW)


_SMALL = {"moc-hub": "hub", "moc-test": "test", "moc-lab": "test", "moc-cd": "cd", "moc-prod": "cd"}
_EDGES = {f"edge-{number:02}": "cd" for number in range(60)}
CHANGES = {
    "bump": Change(_SMALL, _bump),
    "new-feature": Change(_SMALL, _feature),
    "removed-cluster": Change(_SMALL, _removed),
    "bad-change": Change(_SMALL, _bad),
    "sixty-clusters": Change({"moc-hub": "hub", "moc-test": "test", **_EDGES}, _sixty),
}


def lay_out(root: Path, clusters: Mapping[str, str]) -> None:
    """Make `root` a repository of a fleet with records: all clusters but those for CD have passed NEW."""
    now = datetime.now(UTC).replace(microsecond=0)
    certificate = _KEY.extract_certificate()
    _write(root, "fleet.yaml", _FLEET.format(fingerprint=str(certificate.fingerprint).upper()))
    _write(root, "keys/test.asc", str(certificate))

    for number, (name, purpose) in enumerate(clusters.items()):
        version = OLD if purpose == "cd" else NEW
        uuid = f"8c5e1d37-02bb-4f6a-8e49-{number:012}"
        text = _CLUSTER.format(purpose=purpose, name=name, uuid=uuid, version=version, image=image(version))
        _write(root, f"clusters/{name}.yaml", text)

    generate(root)

    for command in (["init", "-q", "--initial-branch=main"], ["add", "-A"], ["commit", "-qm", "start"]):
        git(root, *command)

    records = [*_releases(now), *_reports(now, [name for name in clusters if clusters[name] != "cd"])]
    write_records(root, "", "Write records", lambda _: dict(records))


def git(root: Path, *arguments: str) -> None:
    """Run git in a folder, as nobody in particular."""
    subprocess.run(["git", *_IDENTITY, *arguments], cwd=root, check=True, capture_output=True)


_IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def report(root: Path, *arguments: str, base: str = "HEAD") -> subprocess.CompletedProcess[str]:
    """Run the command in a repository whose change is not committed; without a base, on the fleet."""
    command = [sys.executable, "-I", str(ROOT / "generator"), "--cache", str(CACHE), "--quiet", "report"]
    # Whatever day other tests pretend, signatures are of today.
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    change = ("--base", base) if base else ()
    arguments = (*change, "--at", now, *arguments)

    return subprocess.run([*command, *arguments], cwd=root, capture_output=True, text=True, check=False)


def described(root: Path) -> Description:
    """Judge a change that is not committed as the command does, to write it in more than one length."""
    return describe(root, CACHE, "HEAD", read_records(root, ""), now=datetime.now(UTC), say=lambda _: None)


def text_of(name: str, folder: Path) -> str:
    """Return the report of a change, made in an empty folder."""
    change = CHANGES[name]
    lay_out(folder, change.clusters)
    change.edit(folder)
    generate(folder)
    done = report(folder)
    assert done.returncode == 0, done.stderr

    return stable(done.stdout)


def stable(text: str) -> str:
    """Return a report with the days, hashes and keys of this run as `…`."""
    return _FINGERPRINT.sub("…", _HASH.sub("…", _DAY.sub("…", text)))


def golden() -> dict[str, str]:
    """Return the golden files by name."""
    from tempfile import TemporaryDirectory

    texts = {}

    for name in CHANGES:
        with TemporaryDirectory() as folder:
            texts[f"{name}.md"] = text_of(name, Path(folder))

    return texts


def write() -> None:
    """Write the golden files anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()

    for name, text in golden().items():
        (FOLDER / name).write_text(text)


def record_another(root: Path, *, signed: bool = True, phase: str = "Accepted") -> str:
    """Record one more release, which no cluster has tried, and return its version."""
    now = datetime.now(UTC).replace(microsecond=0)
    record = _record(NEWER, (OLDER, OLD, NEW), now, published=now - timedelta(days=9), signed=signed)
    record = record.model_copy(update={"streams": {"4-scos-stable": phase}})
    write_records(root, "", "Record a release", lambda _: {record.path: record.text().encode()})

    return NEWER


def record_after(root: Path, start: str) -> str:
    """Record a release of upstream's with an edge from another release alone, and return its version."""
    now, version = datetime.now(UTC).replace(microsecond=0), "4.21.0-okd-scos.13"
    record = _record(version, (start,), now, published=now - timedelta(days=9))
    write_records(root, "", "Record a release", lambda _: {record.path: record.text().encode()})

    return version


def record_own(root: Path) -> ReleaseRecord:
    """Record a release of one's own stream `rt`, from NEW, and return the record."""
    now = datetime.now(UTC).replace(microsecond=0)
    record = _record(NEWER, (NEW,), now, published=now - timedelta(days=9))
    record = record.model_copy(update={"streams": {"rt": "Accepted"}, "sources": ("stream",)})
    write_records(root, "", "Record a release", lambda _: {record.path: record.text().encode()})

    return record


def _write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def _releases(now: datetime) -> list[tuple[str, bytes]]:
    """Return the records of three releases, each with an edge from the one before."""
    records = []

    for number, version in enumerate((OLDER, OLD, NEW)):
        earlier = (OLDER, OLD, NEW)[:number]
        record = _record(version, earlier, now, published=now - timedelta(days=30 - 9 * number))
        records.append((record.path, record.text().encode()))

    return [*records, ("runs.yaml", f"watch: {now:%Y-%m-%dT%H:%M:%SZ}\n".encode())]


def _record(
    version: str, earlier: tuple[str, ...], now: datetime, *, published: datetime, signed: bool = True
) -> ReleaseRecord:
    """Return the record of an accepted release with edges from earlier ones."""
    signature = RecordedSignature(message=base64.b64encode(_signature(version)).decode(), seen=now)

    return ReleaseRecord(
        version=version,
        images=(RecordedImage(image=image(version), signatures=(signature,) if signed else ()),),
        published=published,
        streams={"4-scos-stable": "Accepted"},
        edges=tuple(RecordedEdge.model_validate({"from": start}) for start in earlier),
        sources=("release-controller",),
        url=f"https://amd64.origin.releases.ci.openshift.org/releasestream/4-scos-stable/release/{version}",
        seen=now - timedelta(days=1),
    )


def _signature(version: str) -> bytes:
    """Sign the image of a version, as openshift/release-controller (pkg/signer/signer.go) does."""
    digest = image(version).partition("@")[2]
    critical = {
        "type": "atomic container signature",
        "image": {"docker-manifest-digest": digest},
        "identity": {"docker-reference": _REPOSITORY},
    }
    text = json.dumps({"critical": critical, "optional": {"creator": "test"}})

    return sign(_KEY.signer(), text.encode(), armor=False)


def _reports(now: datetime, clusters: list[str]) -> list[tuple[str, bytes]]:
    reports = []

    for name in clusters:
        said = Evidence(
            cluster=name,
            version=NEW,
            image=image(NEW),
            finished=now - timedelta(days=5),
            passed=True,
            tests={"smoke": "passed", "storage": "passed"},
        )
        reports.append((said.path, said.text().encode()))

    return reports
