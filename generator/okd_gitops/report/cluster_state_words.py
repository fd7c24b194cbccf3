"""What a cluster reported last, in words: its state, and how it differs from its file in Git."""

from collections.abc import Iterator

from okd_gitops.evidence.state import ClusterState
from okd_gitops.fleet.cluster import ClusterSpec
from okd_gitops.fleet.release import Release
from okd_gitops.redaction import one_line, redacted
from okd_gitops.releases.version import Version
from okd_gitops.times import time_text

_LONGEST = 300


def state_words(state: ClusterState) -> Iterator[str]:
    """Yield what in a cluster's last answer is not as it should be, or keeps updates back."""
    if state.refused:
        refused = state.refused
        why = foreign(f"{refused.reason}: {refused.message}")
        yield f"refuses {refused.version or refused.image} since {time_text(refused.since)}: {why}"

    if state.updating:
        yield f"is updating to {state.wanted_version or state.wanted_image}"

    if state.forced:
        yield "its last update was forced past the checks of the cluster"

    if state.paused_pools:
        yield f"paused pools of nodes: {foreign(', '.join(state.paused_pools))}"

    if state.unhealthy:
        yield f"unhealthy: {foreign('; '.join(state.unhealthy))}"

    if state.not_upgradeable:
        yield f"takes no minor update: {foreign(state.not_upgradeable)}"

    if state.max_line:
        yield f"its operators allow no release after {foreign(state.max_line)}"


def differences(name: str, spec: ClusterSpec, state: ClusterState) -> Iterator[tuple[str, str]]:
    """Yield how the last answer differs from the cluster's file, each with what to do (empty: wait)."""
    release = spec.release

    if spec.cluster_id != state.cluster_id:
        what = f"the cluster that answers has the clusterID {state.cluster_id}, not {spec.cluster_id}"
        yield what, "look at server: and clusterID: in its file, and at its Secret on the hub"
        return

    if release is None or (release.version, release.image) == (state.version, state.image):
        return

    if state.version == release.version:
        yield (
            f"runs another image of {state.version}: {state.image}",
            f"okd-gitops release show {state.version}",
        )
    elif state.version and is_ahead(state, release):
        what = f"was upgraded by hand: it runs {state.version}, Git names {release.version}"
        yield what, f"okd-gitops release adopt {name}"
    elif state.wanted_image != release.image:
        wanted = f" and is to run {state.wanted_version}" if state.wanted_version else ""
        what = f"runs {state.version or 'an unknown release'}{wanted}; Git names {release.version}"
        yield what, "look at its Application in Argo CD"
    else:
        yield f"does not run {release.version} yet; it runs {state.version or 'an unknown release'}", ""


def is_ahead(state: ClusterState, release: Release) -> bool:
    """Whether a cluster runs a newer release than its file names."""
    try:
        return Version.parse(state.version) > Version.parse(release.version)
    except ValueError:
        return False


def foreign(text: str) -> str:
    """Return words of a cluster as one short line without secrets of URLs."""
    return one_line(redacted(text), _LONGEST)
