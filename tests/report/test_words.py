"""What a change does, in words: grouped by clusters, removals first, values where a person can read them."""

from dataclasses import replace

import pytest

from frozen import FLEET
from okd_gitops.check.diff import ObjectChange
from okd_gitops.fleet.load import load
from okd_gitops.manifests.changed_fields import FieldChange
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.report.leaving import Fate, fate_when_it_stays, fate_when_removed, removal_words
from okd_gitops.report.reasons import reasons_of_objects
from okd_gitops.report.words import kind_words, words_block

DIGESTS = f"example.org/a@sha256:{'0' * 64}", f"example.org/a@sha256:{'1' * 64}"


def changed(kind: str, name: str, *clusters: str, **fields: tuple[object, object]) -> ObjectChange:
    """Return a change of an object; a field's double underscores stand for dots."""
    changes = tuple(FieldChange(tuple(path.split("__")), *values) for path, values in fields.items())
    return _change(kind, name, "changed", clusters, changes)


def _change(
    kind: str, name: str, verb: str, clusters: tuple[str, ...], fields: tuple[FieldChange, ...] = ()
) -> ObjectChange:
    identity = ObjectId("", "v1", kind, "", name)
    overlays = tuple("argocd" if name == "argocd" else f"overlays/{name}" for name in clusters)
    return ObjectChange(object=identity, verb=verb, diff=f"{kind} {name}", overlays=overlays, fields=fields)


def words(*changes: ObjectChange) -> list[str]:
    """Return the entries of the block."""
    return list(words_block(changes).entries)


def test_objects_of_one_kind_with_the_same_field_are_one_sentence() -> None:
    image = {"spec__steps__build__image": DIGESTS}
    assert words(changed("Task", "a", "moc-cd", **image), changed("Task", "b", "moc-cd", **image)) == [
        "- `moc-cd`: 2 Tasks change their image: `a`, `b`.\n"
    ]


def test_clusters_with_the_same_sentences_are_one_entry() -> None:
    version = {"spec__desiredUpdate__version": ("4.21", "4.22")}
    changes = [changed("ClusterVersion", "version", name, **version) for name in ("b", "a")]
    other = changed("ClusterVersion", "version", "c", spec__desiredUpdate__version=("4.20", "4.22"))

    assert words(*changes, other) == [
        "- `a`, `b`: ClusterVersion changes its release: `4.21` → `4.22`.\n",
        "- `c`: ClusterVersion changes its release: `4.20` → `4.22`.\n",
    ]


def test_what_is_removed_comes_first_and_is_red() -> None:
    added = [_change("Task", name, "added", ("moc-cd",)) for name in ("a", "b")]
    namespace = _change("Namespace", "c", "added", ("moc-cd",))
    removed = _change("Secret", "d", "removed", ("moc-cd",))

    (entry,) = words(*added, namespace, removed)
    assert entry.splitlines() == [
        "- `moc-cd`:",
        "  - 🔴 **1 object is removed**: Secret `d`.",
        "  - **3 objects are added**: Namespace `c`; Tasks `a`, `b`.",
    ]


LEFT = {
    Fate.DELETED: "🔴 **1 object is removed**: Secret `d`",
    Fate.EMPTIED: "🔴 **1 object is deleted from the cluster by Argo CD**: Secret `d`",
    Fate.GONE: "🔴 **1 object is gone with the cluster**, which its provider deletes: Secret `d`",
    Fate.NOT_PRUNED: "**1 object is out of Git**, and stays on the cluster until a person deletes it: "
    "Argo CD prunes nothing there: Secret `d`",
    Fate.LEFT: "**1 object is out of Git**, and stays on the cluster, where nobody changes it any more: "
    "Secret `d`",
    Fate.NOT_REACHED: "**1 object is out of Git**, and stays on the cluster: Argo CD does not know it: "
    "Secret `d`",
}


@pytest.mark.parametrize("fate", LEFT)
def test_what_leaves_git_is_told_as_what_happens_to_it(fate: Fate) -> None:
    removed = _change("Secret", "d", "removed", ("moc-cd",))
    (entry,) = words_block([removed], {"moc-cd": fate}).entries
    reasons = reasons_of_objects([removed], {"moc-cd": fate})

    assert entry == f"- `moc-cd`: {LEFT[fate]}.\n"
    assert reasons == [
        "objects are removed (Secret)"
        if fate.deletes
        else "objects leave Git and stay where they are (Secret)"
    ]


def test_many_objects_that_stay_are_counted_by_kind() -> None:
    tasks = [_change("Task", f"t{number}", "removed", ("moc-cd",)) for number in range(9)]
    (entry,) = words_block(
        [*tasks, _change("Policy", "p", "removed", ("moc-cd",))], {"moc-cd": Fate.LEFT}
    ).entries

    assert entry.endswith("where nobody changes them any more: 9 Tasks, 1 Policy.\n")


@pytest.mark.parametrize("cluster", ["moc-test", "argocd"])
def test_what_is_guarded_stays_where_the_rest_is_deleted(cluster: str) -> None:
    removed = [_change("Secret", name, "removed", (cluster,)) for name in ("d", "e")]
    guarded = replace(_change("ClusterVersion", "version", "removed", (cluster,)), is_kept=True)
    (entry,) = words_block([*removed, guarded], {"moc-test": Fate.EMPTIED}).entries

    assert [line.partition(":")[0] for line in entry.splitlines()[1:]] == [
        f"  - 🔴 **2 objects are {Fate.EMPTIED if cluster == 'moc-test' else 'removed'}**",
        "  - **1 object is out of Git**, and stays, because it is guarded",
    ]


@pytest.mark.parametrize(
    ("purpose", "server", "leaves", "stays"),
    [
        ("cd", True, Fate.LEFT, Fate.NOT_PRUNED),
        ("hub", True, Fate.LEFT, Fate.DELETED),
        ("test", True, Fate.LEFT, Fate.DELETED),
        ("test", False, Fate.NOT_REACHED, Fate.NOT_REACHED),
        ("ephemeral", True, Fate.EMPTIED, Fate.DELETED),
    ],
)
def test_the_fate_of_objects_follows_from_purpose_and_address(
    purpose: str, server: bool, leaves: Fate, stays: Fate
) -> None:
    written = load(FLEET)
    (example,) = [
        cluster for cluster in written.clusters if cluster.spec.purpose == purpose and cluster.spec.server
    ][:1]
    spec = example.spec if server else example.spec.model_copy(update={"server": None})
    cluster = replace(example, spec=spec)

    assert (fate_when_removed(cluster), fate_when_it_stays(cluster)) == (leaves, stays)
    assert ("delete application" in removal_words(cluster)) == (purpose in ("cd", "hub"))


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("spec__channel", "channel"),
        ("spec__clusterID", "🔴 cluster ID"),
        ("spec__upstream", "🔴 update graph"),
        ("spec__source__repoURL", "🔴 repository"),
        ("spec__sources__0__repoURL", "🔴 repository"),
        ("rules__0__verbs", "🔴 permissions"),
        ("metadata__labels__app", "labels"),
        ("spec__something__else__deeper", "`spec.something.else`"),
    ],
)
def test_a_field_is_called_by_its_word(path: str, word: str) -> None:
    (entry,) = words(changed("Thing", "x", "a", **{path: ([1], [2])}))
    assert entry == f"- `a`: Thing `x` changes its {word}.\n"


def test_many_fields_are_counted() -> None:
    fields = {f"spec__f{number}": (1, 2) for number in range(9)}
    (entry,) = words(changed("Thing", "x", "a", **fields))
    assert entry == "- `a`: Thing `x` changes its `spec.f0`, `spec.f1`, `spec.f2` and 6 more fields.\n"


def test_argo_cd_is_not_called_a_cluster() -> None:
    (entry,) = words(changed("Application", "x", "argocd", spec__project=("a", "b")))
    assert entry == "- Argo CD on the hub: Application `x` changes its `spec.project`: `a` → `b`.\n"


@pytest.mark.parametrize(
    ("kind", "many"),
    [
        ("Task", "Tasks"),
        ("NetworkPolicy", "NetworkPolicies"),
        ("Ingress", "Ingresses"),
        ("Gateway", "Gateways"),
    ],
)
def test_the_plural_of_a_kind(kind: str, many: str) -> None:
    assert (kind_words(kind, 1), kind_words(kind, 2)) == (kind, many)


def test_a_kind_that_is_no_word_is_code() -> None:
    assert kind_words("@all <b>", 2) == "`@all <b>`"
