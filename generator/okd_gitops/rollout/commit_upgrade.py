"""One upgrade as one commit: the edited file of the cluster, and everything that is generated from it."""

from collections.abc import Collection

from okd_gitops.finding import refused
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.commit import commit_draft
from okd_gitops.generate.generate import Generated, generate_draft
from okd_gitops.manifests.read import Path as YamlPath
from okd_gitops.manifests.read import read
from okd_gitops.manifests.set_values import assign, extend
from okd_gitops.system.draft import Draft
from okd_gitops.upgrade.decide import Upgrade


def commit_upgrade(
    draft: Draft,
    fleet: Fleet,
    upgrade: Upgrade,
    before: Generated | None = None,
    *,
    acks: Collection[str] = (),
    rehearsal: str = "",
) -> Generated:
    """Commit one cluster's upgrade with everything that is generated from it; return the fleet after it, with
    its plan and files.

    `before` is what the commit before it in this draft has returned. `acks` are given now, `rehearsal` is the
    time as of which this was decided. Raises FindingsError when the cluster's file cannot be edited in place,
    or when generation refuses the fleet.
    """
    name = upgrade.cluster.name
    data = _edited_file(fleet, upgrade, acks)
    fleet = fleet.with_cluster_files({name: data})

    edited = {f"clusters/{name}.yaml": data}
    generated = generate_draft(draft.folder, fleet, edited, before)
    subject, trailers = _commit_text(upgrade, rehearsal)
    commit_draft(draft, generated, edited, subject=subject, trailers=trailers)

    return generated


def _edited_file(fleet: Fleet, upgrade: Upgrade, acks: Collection[str]) -> bytes:
    """Return the cluster's file with the release of the upgrade; comments, order and quotes stay."""
    hop, release, follower = upgrade.first_hop, upgrade.release, upgrade.cluster
    cluster = fleet.cluster(follower.name)
    assert cluster is not None
    assert release is not None

    values: dict[YamlPath, str | bool] = {
        ("release", "version"): release.version.text,
        ("release", "image"): release.signed,
    }

    # The signature of the release before proves nothing about this one.
    if release.signature or (cluster.spec.release and cluster.spec.release.signature):
        values["release", "signature"] = release.signature

    if hop.channel != follower.channel:
        values["release", "channel"] = hop.channel

    if upgrade.forced:
        values["release", "force"] = True

    document = cluster.document
    possible_acks = {*hop.acks, *(barrier.name for barrier in hop.barriers)}
    new_acks = sorted(possible_acks & set(acks) - follower.acks)

    try:
        data = assign(document, values)
        return extend(read(document.file, data), ("release", "acks"), new_acks) if new_acks else data
    except ValueError as error:
        place = document.at(["release"], key=True)
        reason = f"the release cannot be changed in place: {error}"
        remedy = "write release: with one line for each key"
        raise refused("release-not-editable", place, reason, remedy) from None


def _commit_text(upgrade: Upgrade, rehearsal: str) -> tuple[str, list[str]]:
    """Return the subject and the trailers of a cluster's commit."""
    release, cluster = upgrade.release, upgrade.cluster
    assert release is not None
    start, end = cluster.version.text, release.version.text

    trailers = [
        f"Okd-Release: {end}",
        f"Okd-From: {start}",
        f"Okd-Digest: {release.signed}",
        f"Wave: {cluster.wave}",
    ]

    if upgrade.forced:
        trailers.append("Okd-Forced: true")

    if upgrade.adopted:
        trailers.append("Okd-Adopted: true")

    if rehearsal:
        trailers.append(f"Okd-Rehearsal: {rehearsal}")

    return f"okd({cluster.name}): {start} → {end}", trailers
