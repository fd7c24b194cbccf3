"""The first OKD cluster of a new repository: what its README says leads to a change that its CI passes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conftest import CACHE, ROOT, commit
from okd_gitops.check.change.judge_change import judge_change
from okd_gitops.evidence.records import Records, read_records
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.edit_clusters import Saving, add_cluster
from okd_gitops.lifecycle.init import init
from okd_gitops.lifecycle.new_cluster import NewCluster
from okd_gitops.system.http import Http
from okd_gitops.upgrade.known import Network
from okd_gitops.upgrade.record_releases import record_releases
from release_controller import serving
from small_wheel import small_wheel

VERSION, STREAM = "4.22.0-okd-scos.0", "4-scos-stable"
REQUEST = NewCluster(
    name="moc-test",
    purpose="test",
    version=VERSION,
    server="https://api.moc-test.massopen.cloud:6443",
    cluster_id="8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926",
)


@pytest.mark.clock
def test_a_release_is_recorded_before_any_cluster_follows_its_stream(tmp_path: Path) -> None:
    # Signatures are made by the real clock, so time goes on from there.
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    (root := tmp_path / "fleet").mkdir()
    init(root, "github", "https://git.massopen.cloud/okd/fleet.git", str(small_wheel(tmp_path)))

    with serving() as controller:
        controller.publish(VERSION, STREAM)
        controller.follow(root)
        generate(root)
        commit(root)
        network = Network(http=Http(tmp_path / "answers", retries=0), now=now)

        with pytest.raises(FindingsError) as caught:
            add_cluster(root, REQUEST, read_records(root), Saving(commit=True), now=now)
        assert "--stream" in caught.value.findings[0].remedy

        record_releases(root, network, [STREAM])

    records = read_records(root)
    saved = add_cluster(root, REQUEST, records, Saving(commit=True), now=now)
    assert saved.commit
    assert f"stream: {STREAM}\n" in (root / "clusters/moc-test.yaml").read_text()

    def refusals(known: Records) -> list[str]:
        judged = judge_change(root, CACHE, "HEAD^", known, now=now, say=lambda _text: None)
        return [finding.name for finding in judged.findings if finding.severity == "error"]

    assert refusals(records) == []
    # CI has them when they are pushed, and refuses until then.
    assert "release-not-recorded" in refusals(Records())


def test_the_readme_of_a_new_repository_has_these_commands() -> None:
    text = (ROOT / "generator/okd_gitops/lifecycle/forges/common/README.md").read_text()
    commands = [line.strip() for line in text.splitlines() if line.startswith("       ")]

    assert f"okd-gitops release record --stream {STREAM}" in commands
    assert commands.index("okd-gitops check") < commands.index("okd-gitops check --base HEAD^")
    assert "git push origin records" in commands
