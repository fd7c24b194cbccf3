"""What a change does, in words: "`moc-cd`: 2 Tasks change their image", for clusters with the same change."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from okd_gitops.check.diff import ObjectChange, cluster_of
from okd_gitops.check.rule import ARGOCD
from okd_gitops.manifests.changed_fields import FieldChange
from okd_gitops.report.leaving import Fate, by_fate
from okd_gitops.report.markdown import Block, code, names_list

# What a field is called, by a pattern for its path; the first one that matches counts. Red is what decides
# which code a cluster runs, and for whom.
_WORDS = (
    (r"spec\.desiredUpdate\.force", "🔴 force"),
    (r"spec\.desiredUpdate(\..*)?", "release"),
    (r"spec\.channel", "channel"),
    (r"spec\.upstream", "🔴 update graph"),
    (r"spec\.clusterID", "🔴 cluster ID"),
    (r"spec\.(source|sources\..*)\.repoURL", "🔴 repository"),
    (r"spec\.(source|sources\..*)\.targetRevision", "🔴 revision"),
    (r"spec\.destination\.(name|server)", "🔴 destination"),
    (r"spec\.destination\.namespace", "default namespace"),
    (r"spec\.destinations(\..*)?", "permitted destinations"),
    (r"spec\.sourceRepos(\..*)?", "🔴 permitted repositories"),
    (r"spec\.(cluster|namespace)Resource(White|Black)list(\..*)?", "permitted kinds"),
    (r"spec\.ignoreDifferences(\..*)?", "ignored differences"),
    (r"spec\.syncPolicy(\..*)?", "rules of synchronization"),
    (r"metadata\.annotations(\..*)?", "annotations"),
    (r"metadata\.labels(\..*)?", "labels"),
    (r".*\.image", "image"),
    (r".*\.schedule", "schedule"),
    (r".*\.script", "script"),
    (r".*\.(command|args)(\..*)?", "command"),
    (r".*\.env(From)?(\..*)?", "environment"),
    (r".*\.resources\.(limits|requests)(\..*)?", "limits and requests"),
    (r".*\.replicas", "number of replicas"),
    (r"(.*\.)?(rules|subjects|roleRef)(\..*)?", "🔴 permissions"),
    (r"(data|binaryData|stringData)(\..*)?", "data"),
    (r".*\.(params|parameters)(\..*)?", "parameters"),
    (r"spec\.(steps|tasks|finally)(\..*)?", "steps"),
)
_PATTERNS = tuple((re.compile(pattern), word) for pattern, word in _WORDS)
# Whoever reads in a hurry wants the version; a digest says nothing.
_READABLE = re.compile(r"[A-Za-z0-9.:/*, +_-]{1,40}")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,60}")
_MANY_KINDS = 6
_MANY_STAYING = 6
_MANY_FIELDS = 4
_LONGEST_PATH = 3
_DELETED: Mapping[str, Fate] = MappingProxyType({})


def words_block(changes: Sequence[ObjectChange], fates: Mapping[str, Fate] = _DELETED) -> Block:
    """Return one entry for each group of clusters whose objects change in the same way.

    `fates` is what happens to the objects of a cluster that leave Git; of others they are deleted.
    """
    groups: dict[tuple[str, ...], list[str]] = {}

    for cluster, sentences in sentences_by_cluster(changes, fates).items():
        groups.setdefault(sentences, []).append(cluster)

    entries = [_entry(clusters, sentences) for sentences, clusters in groups.items()]

    return Block("groups of clusters", "### What changes\n\n", entries, share=0.4)


def sentences_by_cluster(
    changes: Iterable[ObjectChange], fates: Mapping[str, Fate] = _DELETED
) -> dict[str, tuple[str, ...]]:
    """Return what happens to the objects of each cluster as Markdown, by name, those of Argo CD last."""
    by_cluster = _by_cluster(changes)
    # Argo CD's own objects follow from those of the clusters.
    in_order = sorted(by_cluster, key=lambda name: (name == ARGOCD, name))

    return {cluster: tuple(_sentences(by_cluster[cluster], cluster, fates)) for cluster in in_order}


def clusters_words(clusters: Sequence[str], most: int = 12) -> str:
    """Return the names of clusters, at most `most`; Argo CD's own folder is called what it is."""
    return "Argo CD on the hub" if list(clusters) == [ARGOCD] else names_list(clusters, most)


def kind_words(kind: str, count: int) -> str:
    """Return a kind of object as a word, for one object or several; a name that is no word is code."""
    if not _KIND.fullmatch(kind):
        return code(kind, 60)

    if count == 1:
        return kind

    if kind.endswith("y") and kind[-2:-1] not in "aeiou":
        return f"{kind[:-1]}ies"

    return f"{kind}es" if kind.endswith(("s", "x", "ch")) else f"{kind}s"


def _by_cluster(changes: Iterable[ObjectChange]) -> Mapping[str, list[ObjectChange]]:
    by_cluster: dict[str, list[ObjectChange]] = {}

    for change in changes:
        for overlay in change.overlays:
            by_cluster.setdefault(cluster_of(overlay), []).append(change)

    return by_cluster


def _entry(clusters: Sequence[str], sentences: Sequence[str]) -> str:
    """Return one group: in one line where there is one sentence, else as a list below its clusters."""
    where = clusters_words(clusters)

    if len(sentences) == 1:
        return f"- {where}: {sentences[0]}.\n"

    lines = "".join(f"  - {sentence}.\n" for sentence in sentences)

    return f"- {where}:\n{lines}"


def _sentences(changes: Sequence[ObjectChange], cluster: str, fates: Mapping[str, Fate]) -> list[str]:
    """Return what happens to the objects of one cluster; removals come first."""
    removed = by_fate((change for change in changes if change.verb == "removed"), cluster, fates)
    sentences = [_removed(objects, fate) for fate, objects in removed.items()]
    added = [change for change in changes if change.verb == "added"]

    if added:
        sentences.append(f"**{_counted(added)} added**: {_listed(added)}")

    groups: dict[tuple[str, str], list[ObjectChange]] = {}

    for change in changes:
        if change.verb == "changed":
            words = _words(change.fields)
            groups.setdefault((change.object.kind, words), []).append(change)

    return sentences + [_changed(kind, words, objects) for (kind, words), objects in groups.items()]


def _removed(changes: Sequence[ObjectChange], fate: Fate) -> str:
    mark = "🔴 " if fate.deletes else ""
    what, separator, rest = (fate.of_one if len(changes) == 1 else str(fate)).partition(", ")

    # Who looks for what is lost wants names; what stays is known by its number.
    listed = _listed(changes) if fate.deletes or len(changes) <= _MANY_STAYING else _kinds(changes)

    return f"{mark}**{_counted(changes)} {what}**{separator}{rest}: {listed}"


def _kinds(changes: Sequence[ObjectChange]) -> str:
    """Return how many objects of each kind there are, the most frequent kinds first."""
    counts = Counter(change.object.kind for change in changes).most_common()
    listed = ", ".join(f"{count} {kind_words(kind, count)}" for kind, count in counts[:_MANY_KINDS])

    return f"{listed} and {len(counts) - _MANY_KINDS} more kinds" if len(counts) > _MANY_KINDS else listed


def _counted(changes: Sequence[ObjectChange]) -> str:
    return "1 object is" if len(changes) == 1 else f"{len(changes)} objects are"


def _listed(changes: Sequence[ObjectChange]) -> str:
    """Return objects by their kinds: "Namespace `a`; Tasks `b`, `c`"."""
    by_kind: dict[str, list[str]] = {}

    for change in changes:
        by_kind.setdefault(change.object.kind, []).append(change.object.name)

    kinds = [f"{kind_words(kind, len(names))} {_names(names)}" for kind, names in sorted(by_kind.items())]
    more = f"; {len(kinds) - _MANY_KINDS} more kinds" if len(kinds) > _MANY_KINDS else ""

    return f"{'; '.join(kinds[:_MANY_KINDS])}{more}"


def _changed(kind: str, words: str, changes: Sequence[ObjectChange]) -> str:
    names = [change.object.name for change in changes]

    if len(changes) > 1:
        return f"{len(changes)} {kind_words(kind, 2)} change their {words}: {_names(names)}"

    # A cluster has one ClusterVersion, whose name says nothing.
    name = "" if kind == "ClusterVersion" and names == ["version"] else f" {_names(names)}"

    return f"{kind_words(kind, 1)}{name} changes its {words}{_values(changes[0])}"


def _names(names: Sequence[str]) -> str:
    return names_list(names, 6)


def _words(fields: Sequence[FieldChange]) -> str:
    """Return what fields are called together, each word once: "image and script"."""
    words = list(dict.fromkeys(_word(field) for field in fields))

    if len(words) > _MANY_FIELDS:
        words = [*words[: _MANY_FIELDS - 1], f"{len(words) - _MANY_FIELDS + 1} more fields"]

    if len(words) < 2:
        return words[0] if words else "text"

    return f"{', '.join(words[:-1])} and {words[-1]}"


def _word(field: FieldChange) -> str:
    path = ".".join(field.path)
    known = (word for pattern, word in _PATTERNS if pattern.fullmatch(path))

    # An index says nothing to a reader.
    keys = [key for key in field.path if not key.isdecimal()]

    return next(known, "") or code(".".join(keys[:_LONGEST_PATH]), 60)


def _values(change: ObjectChange) -> str:
    """Return the old and the new value of a change that is about one value a person can read."""
    readable = [field for field in change.fields if _is_readable(field.old) and _is_readable(field.new)]

    if len(readable) != 1 or len({_word(field) for field in change.fields}) != 1:
        return ""

    return f": {code(str(readable[0].old))} → {code(str(readable[0].new))}"


def _is_readable(value: object) -> bool:
    return isinstance(value, str | int | float | bool) and bool(_READABLE.fullmatch(str(value)))
