"""A repository's own catalog: features added, objects replaced, tasks put elsewhere, images swapped, all
by name; and what is refused.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conftest import ROOT, Run, git
from okd_gitops.finding import Finding, Findings, FindingsError
from okd_gitops.fleet.apply_changes import apply_changes
from okd_gitops.fleet.feature import Catalog, load_catalog
from okd_gitops.fleet.local_features import local_features
from okd_gitops.manifests.read import read
from okd_gitops.manifests.task_order import OrderError, inserted, moved, removed, waits
from okd_gitops.manifests.write import dump
from okd_gitops.system.disk import read_catalog, read_tree
from okd_gitops.tree import Tree

CASE = ROOT / "tests/cases/own-catalog"
BUILTIN = load_catalog(read_catalog())
PIPELINE = "pipeline/pipeline-okd-coreos.yaml"
COSA = "quay.io/coreos-assembler/coreos-assembler"
NEW = "registry.example.org/cosa@sha256:f010dce4d350c1588762bbd5b69d27e14dabe859043489c587dc4d429c067daf"
BUILDAH = "quay.io/buildah/stable@sha256:56e6ebc9bb71c8303b1968fb51304d3512e14a1b8c730bd0b27ebdf772a34ceb"
SCAN = f"""\
# Ours, and nobody writes it anew.
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: scan, namespace: okd-coreos}}
spec:
  steps:
  - {{name: scan, image: "{BUILDAH}"}}
"""
Files = Mapping[str, str]


def exchanged(files: Files, builtin: Catalog = BUILTIN) -> Catalog:
    return apply_changes(builtin, Tree({path: text.encode() for path, text in files.items()}))


def changed(changes: str, files: Files | None = None) -> Mapping[str, bytes]:
    """Return the files of scos-pipeline after changes, each written as one flow map."""
    text = "changes:\n" + "".join(f"- {change}\n" for change in changes.strip().splitlines())
    return exchanged({"changes/x.yaml": text, **(files or {})}).features["scos-pipeline"].files


def refused(files: Files, builtin: Catalog = BUILTIN) -> tuple[Finding, ...]:
    with pytest.raises(FindingsError) as error:
        exchanged(files, builtin)
    assert error.value.exit_code == 2
    return error.value.findings


def after_of(files: Mapping[str, bytes], path: str = PIPELINE) -> dict[str, list[str]]:
    return {task["name"]: task.get("runAfter", []) for task in read(path, files[path]).value["spec"]["tasks"]}


OF = "feature: scos-pipeline, pipeline: okd-coreos"


def test_an_empty_local_catalog_changes_nothing() -> None:
    assert exchanged({}).features == BUILTIN.features
    assert exchanged({"README.md": "For people.\n"}).features == BUILTIN.features


def test_a_local_feature_works_like_a_builtin_one() -> None:
    catalog = apply_changes(BUILTIN, read_tree(CASE, "catalog").below("catalog"))
    own = catalog.features["build-quota"]
    assert own.objects("quota")[0]["kind"] == "ResourceQuota"
    assert set(catalog.features) == {*BUILTIN.features, "build-quota"}
    assert catalog.purposes == BUILTIN.purposes


def test_replacing_an_object_takes_the_file_byte_for_byte() -> None:
    own = SCAN.replace("scan,", "cosa-test,")
    files = changed(
        "replace: {feature: scos-pipeline, object: Task/cosa-test, with: tasks/mine.yaml}",
        {"tasks/mine.yaml": own},
    )
    assert files["pipeline/task-cosa-test.yaml"] == own.encode()
    before = BUILTIN.features["scos-pipeline"].files
    assert {path for path in files if files[path] != before[path]} == {"pipeline/task-cosa-test.yaml"}


def test_adding_an_object_puts_the_file_into_the_part_under_its_name() -> None:
    files = changed(
        "add: {feature: scos-pipeline, part: pipeline, file: scanner.yaml}", {"scanner.yaml": SCAN}
    )
    assert files["pipeline/task-scan.yaml"] == SCAN.encode()


def test_inserting_after_a_task_lets_those_that_waited_for_it_wait_for_the_new_one() -> None:
    before = after_of(BUILTIN.features["scos-pipeline"].files)
    waited = {name for name, names in before.items() if "cosa-test" in names}
    files = changed(f"insert: {{{OF}, after: cosa-test, task: {{name: scan, taskRef: {{name: scan}}}}}}")
    now = after_of(files)
    assert now["scan"] == ["cosa-test"]
    assert waited
    assert {name for name, names in now.items() if "scan" in names} == waited
    assert list(now)[list(now).index("cosa-test") + 1] == "scan"
    # Everything else is as it was typed, comments included.
    old, new = (
        tree[PIPELINE].decode().splitlines() for tree in (BUILTIN.features["scos-pipeline"].files, files)
    )
    assert [line for line in new if "#" in line] == [line for line in old if "#" in line]
    added = {
        "- name: scan",
        "runAfter:",
        "- cosa-test",
        "name: scan",
        "runAfter: [scan, cosa-build-extensions]",
    }
    assert {line.strip() for line in new if line not in old} == added


def test_inserting_before_a_task_takes_what_it_waited_for() -> None:
    before = after_of(BUILTIN.features["scos-pipeline"].files)
    now = after_of(
        changed(
            f"insert: {{{OF}, before: cosa-generate-release-meta, task: {{name: scan, taskRef: "
            "{name: scan}}}"
        )
    )
    assert set(before["cosa-generate-release-meta"]) <= set(now["scan"])
    assert now["cosa-generate-release-meta"] == ["scan"]


def test_moving_a_task_takes_it_out_of_one_place_and_puts_it_into_another() -> None:
    now = after_of(changed(f"move: {{{OF}, task: cosa-upload-bootimages, after: cosa-upload-baseos}}"))
    assert now["cosa-upload-bootimages"] == ["cosa-upload-baseos"]


def test_removing_a_task_joins_what_was_around_it() -> None:
    before = after_of(BUILTIN.features["scos-pipeline"].files)
    now = after_of(changed(f"remove: {{{OF}, task: cosa-test}}"))
    assert "cosa-test" not in now
    followers = [name for name, names in before.items() if "cosa-test" in names]
    assert followers
    assert all(set(before["cosa-test"]) <= set(now[name]) for name in followers)


def test_the_last_task_under_finally_goes_with_its_key() -> None:
    of_both = (f"remove: {{{OF}, task: {task}}}" for task in ("notify-matrix", "hand-on"))
    files = changed("\n".join(of_both))
    assert "finally" not in read("x", files[PIPELINE]).value["spec"]
    assert BUILTIN.features["scos-pipeline"].files[PIPELINE].startswith(files[PIPELINE])


def test_an_image_is_swapped_wherever_it_is_used_with_its_readable_tag() -> None:
    files = changed(f"image: {{feature: scos-pipeline, from: {COSA}, to: {NEW}}}")
    assert not any(f"{COSA}@".encode() in data for data in files.values())
    assert NEW.encode() in files[PIPELINE]
    assert b"# main of 2024" not in files[PIPELINE], "the tag was that of the old image"
    block = f"changes:\n- image:\n    feature: scos-pipeline\n    from: {COSA}\n    to: {NEW}  # v2\n"
    files = exchanged({"changes/x.yaml": block}).features["scos-pipeline"].files
    assert f"default: {NEW}  # v2\n".encode() in files[PIPELINE]


def test_an_image_that_is_a_parameters_default_is_swapped_there_too() -> None:
    name = "ghcr.io/squat/generic-device-plugin"
    change = f"changes:\n- image: {{feature: kvm-device-plugin, from: {name}, to: '{NEW}'}}\n"
    feature = exchanged({"changes/x.yaml": change}).features["kvm-device-plugin"]
    assert feature.spec.parameters["image"].default == NEW
    assert [path for path, data in feature.files.items() if NEW.encode() in data] == [
        "upstream/daemonset-generic-device-plugin.yaml"
    ]


def test_an_image_among_arguments_in_brackets_keeps_the_comma_and_its_neighbors() -> None:
    file = "pipelines/deployment-tekton-pipelines-controller.yaml"
    old = BUILTIN.features["tekton"].files[file].decode()
    line = next(line for line in old.splitlines() if '"-nop-image"' in line)
    name = line.split('"')[3].partition("@")[0]
    block = f"changes:\n- image:\n    feature: tekton\n    from: {name}\n    to: {NEW}  # v9\n"
    files = exchanged({"changes/x.yaml": block}).features["tekton"].files
    assert files[file].decode() == old.replace(line, f'          "-nop-image", "{NEW}",  # v9')


def test_changes_are_made_in_the_order_in_which_they_are_written() -> None:
    task = "task: {{name: {}, taskRef: {{name: scan}}}}"
    one = f"changes:\n- insert: {{{OF}, after: cosa-test, {task.format('one')}}}\n"
    two = (
        "changes:\n"
        f"- insert: {{{OF}, after: cosa-test, {task.format('two')}}}\n"
        f"- insert: {{{OF}, before: one, {task.format('three')}}}\n"
    )
    files = exchanged({"changes/b.yaml": two, "changes/a.yaml": one}).features["scos-pipeline"].files
    now = after_of(files)
    assert (now["two"], now["three"], now["one"]) == (["cosa-test"], ["two"], ["three"])
    assert files == exchanged({"changes/a.yaml": one, "changes/b.yaml": two}).features["scos-pipeline"].files


# What is wrong, the code, what the caret is under, a word of the reason, a word of the remedy.
REFUSALS = [
    (
        "replace: {feature: scos-pipelin, object: Task/cosa-test, with: t.yaml}",
        "change-without-target",
        "scos-pipelin,",
        'no feature "scos-pipelin"',
        '"scos-pipeline"',
    ),
    (
        "replace: {feature: scos-pipeline, object: Task/cosa-tset, with: t.yaml}",
        "change-without-target",
        "Task/cosa-tset",
        'no Task "cosa-tset"',
        '"Task/cosa-test"',
    ),
    (
        "replace: {feature: scos-pipeline, part: pipelin, object: Task/cosa-test, with: t.yaml}",
        "change-without-target",
        "pipelin,",
        "no part",
        '"pipeline"',
    ),
    (
        "replace: {feature: scos-pipeline, object: Task/cosa-test, with: s.yaml}",
        "change-without-target",
        "s.yaml",
        "no file catalog/s.yaml",
        '"t.yaml"',
    ),
    (
        "replace: {feature: scos-pipeline, object: Task/cosa-test, with: t.yaml}",
        "unusable-catalog-file",
        "t.yaml",
        "cannot replace",
        "name and namespace",
    ),
    (
        "replace: {feature: scos-pipeline, object: Task/cosa-test, with: ../t.yaml}",
        "invalid-value",
        "../t.yaml",
        "below catalog/",
        "tasks/",
    ),
    (
        "replace: {feature: scos-pipeline, object: Task/cosa-test, with: /etc/t.yaml}",
        "invalid-value",
        "/etc",
        "below catalog/",
        "tasks/",
    ),
    (
        "replace: {feature: scos-pipeline, object: cosa-test, with: t.yaml}",
        "invalid-value",
        "cosa-test,",
        "object",
        "",
    ),
    ("add: {feature: scos-pipeline, file: t.yaml}", "missing-value", "{feature", "several parts", "pipeline"),
    (
        "add: {feature: scos-pipeline, part: pipeline, file: c.yaml}",
        "already-in-catalog",
        "c.yaml",
        "Task/cosa-test already",
        "replace it",
    ),
    (
        f"insert: {{{OF}, after: cosa-tset, task: {{name: scan}}}}",
        "change-without-target",
        "cosa-tset,",
        '"cosa-tset"',
        '"cosa-test"',
    ),
    (
        f"insert: {{{OF}s, after: cosa-test, task: {{name: scan}}}}",
        "change-without-target",
        "okd-coreoss",
        'no Pipeline "okd-coreoss"',
        '"okd-coreos"',
    ),
    (
        f"insert: {{{OF}, after: notify-matrix, task: {{name: scan}}}}",
        "change-without-target",
        "notify-matrix",
        "whose order can change",
        "",
    ),
    (
        f"insert: {{{OF}, after: cosa-init, task: {{name: cosa-test}}}}",
        "already-in-catalog",
        "cosa-test}",
        '"cosa-test" exists already',
        "another name",
    ),
    (
        f"insert: {{{OF}, task: {{name: scan}}}}",
        "invalid-value",
        "{feature",
        "exactly one of before and after",
        "one of them",
    ),
    (
        f"insert: {{{OF}, after: a, before: b, task: {{name: scan}}}}",
        "invalid-value",
        "{feature",
        "exactly one of before and after",
        "one of them",
    ),
    (
        f"insert: {{{OF}, after: cosa-init, task: {{taskRef: {{name: a}}}}}}",
        "invalid-value",
        "{taskRef",
        "has no name",
        "add name",
    ),
    (
        f"insert: {{{OF}, after: cosa-init, task: {{name: scan, runAfter: [cosa-tset]}}}}",
        "broken-task-order",
        "{name",
        '"cosa-tset"',
        '"cosa-test"',
    ),
    (
        f"insert: {{{OF}, before: cosa-test, task: {{name: scan, runAfter: [cosa-test]}}}}",
        "broken-task-order",
        "cosa-test,",
        "wait for each other",
        "elsewhere",
    ),
    (
        f"move: {{{OF}, task: cosa-tset, after: cosa-init}}",
        "change-without-target",
        "cosa-tset,",
        '"cosa-tset"',
        '"cosa-test"',
    ),
    (
        f"move: {{{OF}, task: cosa-init, after: cosa-test}}",
        "broken-task-order",
        "cosa-test}",
        "cosa-init → ",
        "elsewhere",
    ),
    (
        f"remove: {{{OF}, task: cosa-tset}}",
        "change-without-target",
        "cosa-tset}",
        '"cosa-tset"',
        '"cosa-test"',
    ),
    (
        f"remove: {{{OF}, task: cosa-upload-baseos}}",
        "broken-task-order",
        "cosa-upload-baseos}",
        "a result of the Pipeline needs",
        "keep the task",
    ),
    (
        f"remove: {{{OF}, task: cosa-init}}",
        "broken-task-order",
        "cosa-init}",
        'needs the task "cosa-init"',
        "keep the task",
    ),
    (
        f"image: {{feature: scos-pipeline, from: quay.io/coreos/coreos-assembler, to: '{NEW}'}}",
        "change-without-target",
        "quay.io/coreos/",
        "uses no image",
        COSA,
    ),
    (
        f"image: {{feature: scos-pipeline, from: '{COSA}:latest', to: '{NEW}'}}",
        "invalid-value",
        "'quay.io",
        "a name without tag and digest",
        COSA,
    ),
    (
        f"image: {{feature: scos-pipeline, from: {COSA}, to: {COSA}}}",
        "invalid-value",
        "quay.io/coreos-assembler/coreos-assembler}",
        "an image is a digest",
        "skopeo",
    ),
    ("rename: {feature: scos-pipeline}", "unknown-key", "rename:", 'unknown key "rename"', "remove"),
    (
        f"{{remove: {{{OF}, task: cosa-test}}, add: {{feature: tekton, file: t.yaml}}}}",
        "invalid-value",
        "{remove",
        "add and remove",
        "dash",
    ),
    ("{}", "invalid-value", "{}", "this one has none", "replace"),
]


@pytest.mark.parametrize(
    ("change", "code", "caret", "reason", "remedy"),
    REFUSALS,
    ids=[f"{case[1]}-{case[3]}" for case in REFUSALS],
)
def test_refusals_name_the_place_and_the_nearest_name(
    change: str, code: str, caret: str, reason: str, remedy: str
) -> None:
    files = {
        "changes/x.yaml": f"changes:\n- {change}\n",
        "t.yaml": SCAN,
        "c.yaml": SCAN.replace("scan,", "cosa-test,"),
    }
    found = [finding for finding in refused(files) if finding.reason != "nothing uses this file"]
    assert {finding.name for finding in found} == {code}
    place = found[0].location
    assert (place.file, place.line) == ("catalog/changes/x.yaml", 2)
    assert place.text[place.column - 1 :].startswith(caret)
    assert reason in found[0].reason
    assert remedy in found[0].remedy


def test_two_changes_to_the_same_thing_contradict_each_other() -> None:
    own = {"t.yaml": SCAN.replace("scan,", "cosa-test,")}
    one = "changes:\n- replace: {feature: scos-pipeline, object: Task/cosa-test, with: t.yaml}\n"
    found = refused({"changes/a.yaml": one, "changes/b.yaml": one, **own})
    assert [(finding.name, str(finding.location)) for finding in found] == [
        ("already-in-catalog", "catalog/changes/b.yaml:2:45")
    ]
    assert "catalog/changes/a.yaml:2:" in found[0].reason
    image = f"- image: {{feature: scos-pipeline, from: {COSA}, to: {COSA}@{NEW.partition('@')[2]}}}\n"
    assert [
        (finding.name, finding.location.line)
        for finding in refused({"changes/a.yaml": f"changes:\n{image}{image}"})
    ] == [("already-in-catalog", 3)]
    added = "changes:\n" + "- add: {feature: scos-pipeline, part: pipeline, file: t.yaml}\n" * 2
    assert [
        (finding.name, finding.location.line)
        for finding in refused({"changes/a.yaml": added, "t.yaml": SCAN})
    ] == [("already-in-catalog", 3)]


def test_an_edited_pipeline_is_not_replaced_behind_the_editors_back() -> None:
    text = (
        "changes:\n"
        f"- remove: {{{OF}, task: cosa-test}}\n"
        "- replace: {feature: scos-pipeline, object: Pipeline/okd-coreos, with: p.yaml}\n"
    )
    found = refused(
        {"changes/a.yaml": text, "p.yaml": BUILTIN.features["scos-pipeline"].files[PIPELINE].decode()}
    )
    assert [(finding.name, finding.location.line) for finding in found] == [("already-in-catalog", 3)]


def test_all_faults_of_all_files_come_at_once() -> None:
    change = (
        "changes:\n"
        "- remove: {feature: nope, pipeline: a, task: b}\n"
        "- move: {feature: tekton, pipeline: a, task: b, after: c}\n"
    )
    found = refused({"changes/a.yaml": change, "changes/b.yaml": "a: &x\n", "c.yaml": "{}"})
    assert [(finding.name, str(finding.location)) for finding in found] == [
        ("unusable-catalog-file", "catalog/c.yaml"),
        ("change-without-target", "catalog/changes/a.yaml:2:21"),
        ("change-without-target", "catalog/changes/a.yaml:3:37"),
        ("document-too-complex", "catalog/changes/b.yaml:1:4"),
    ]


FEATURE = "summary: Mine.\nenvironments:\n  kind: [main]\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: default}\n"
OWN_REFUSALS = [
    (
        {"features/tekton/feature.yaml": FEATURE},
        "already-in-catalog",
        "features/tekton/feature.yaml:0:0",
        "built-in",
        "changes",
    ),
    (
        {"features/Mine/feature.yaml": FEATURE},
        "invalid-name",
        "features/Mine/feature.yaml:0:0",
        "not a name",
        "my-scanner",
    ),
    (
        {"features/mine/main/configmap-mine.yaml": MAP},
        "missing-value",
        "features/mine/feature.yaml:0:0",
        "no feature.yaml",
        "add",
    ),
    (
        {"features/mine/feature.yaml": FEATURE},
        "broken-feature",
        "features/mine/feature.yaml:3:10",
        'part "main"',
        "",
    ),
    (
        {"features/mine/feature.yaml": "sumary: x\n"},
        "unknown-key",
        "features/mine/feature.yaml:1:1",
        "sumary",
        '"summary"',
    ),
    (
        {"features/mine/main/c.yaml": MAP},
        "unusable-catalog-file",
        "features/mine/main/c.yaml:3:18",
        "another name",
        "configmap-mine.yaml",
    ),
    (
        {"features/mine/main/configmap-mine.yaml": "[]"},
        "unusable-catalog-file",
        "features/mine/main/configmap-mine.yaml:1:1",
        "apiVersion",
        "complete",
    ),
    (
        {"features/mine/main/configmap-mine.yaml": MAP.replace("mine", "../x")},
        "unusable-catalog-file",
        "…",
        "metadata.name",
        "complete",
    ),
    (
        {"features/mine/main/kustomization.yaml": "resources: [https://example.org]\n"},
        "unusable-catalog-file",
        "…",
        "apiVersion",
        "complete",
    ),
    ({"features/mine/main/configmap-mine.yaml": f"{MAP}---\n{MAP}"}, "not-yaml", "…", "2 documents", "one"),
    (
        {"features/mine/main/deep/configmap-mine.yaml": MAP},
        "unusable-catalog-file",
        "…",
        "nothing uses",
        "PART",
    ),
    ({"features/mine/other/configmap-mine.yaml": MAP}, "unusable-catalog-file", "…", "nothing uses", "PART"),
    (
        {"features/mine/feature.yaml": f"{FEATURE}requires: [tektn]\n"},
        "not-in-catalog",
        "features/mine/feature.yaml:4:12",
        "tektn",
        '"tekton"',
    ),
    (
        {"change/x.yaml": "changes: []\n"},
        "unusable-catalog-file",
        "change/x.yaml:0:0",
        "nothing uses",
        "changes/NAME.yaml",
    ),
    (
        {"changes/x.yml": "changes: []\n"},
        "unusable-catalog-file",
        "changes/x.yml:0:0",
        "nothing uses",
        "changes/NAME.yaml",
    ),
    (
        {"purposes/mine.yaml": "summary: x\n"},
        "unusable-catalog-file",
        "purposes/mine.yaml:0:0",
        "nothing uses",
        "",
    ),
]
PARAMETER = "parameters:\n  x: {summary: x, %s}\n"
EACH = "each:\n  x: {summary: x, part: %s, key: %s, fields: {a: {summary: a}}}\n"
OWN_REFUSALS += [
    (
        {"features/mine/feature.yaml": FEATURE + PARAMETER % 'pattern: "["'},
        "invalid-value",
        "features/mine/feature.yaml:5:28",
        "regular expression",
        "re",
    ),
    (
        {"features/mine/feature.yaml": FEATURE + PARAMETER % 'pattern: "(?=a)"'},
        "invalid-value",
        "…",
        "look-around",
        "without look-around",
    ),
    (
        {"features/mine/feature.yaml": FEATURE + PARAMETER % 'pattern: "((a{99}){999}){9}"'},
        "invalid-value",
        "…",
        "size limit",
        "",
    ),
    (
        {"features/mine/feature.yaml": FEATURE + PARAMETER % "sets: [{object: ConfigMap/min, path: a}]"},
        "broken-feature",
        "…",
        "no part contains",
        "ConfigMap/mine",
    ),
    (
        {"features/mine/feature.yaml": FEATURE + PARAMETER % 'sets: [{object: ConfigMap/mine, path: ""}]'},
        "invalid-value",
        "…",
        "path",
        "",
    ),
    (
        {"features/mine/feature.yaml": FEATURE + EACH % ("main", "b")},
        "invalid-value",
        "features/mine/feature.yaml:5:36",
        "not one of the fields",
        "a",
    ),
    (
        {"features/mine/feature.yaml": FEATURE + EACH % ("mian", "a")},
        "broken-feature",
        "features/mine/feature.yaml:5:25",
        '"mian"',
        '"main"',
    ),
    (
        {
            "features/mine/feature.yaml": FEATURE
            + EACH.replace("key", "partsWith: {b: main}, key") % ("main", "a")
        },
        "invalid-value",
        "…",
        '"b" is not one of the fields',
        "a",
    ),
    (
        {
            "features/mine/feature.yaml": FEATURE
            + EACH.replace("key", "partsWith: {a: mian}, key") % ("main", "a")
        },
        "broken-feature",
        "…",
        'no object in the part "mian"',
        '"main"',
    ),
]
# One object in a plain part and in that of a list, or in one of them: a value would reach one and silently
# pass over the other.
FIELD = "{summary: a, sets: [{object: ConfigMap/%s, path: data.a}]}"
LIST = FEATURE.replace("[main]", "[main, list]") + EACH.replace("{summary: a}", FIELD)
ITEM = {
    "features/mine/list/configmap-mine.yaml": MAP,
    "features/mine/list/configmap-item.yaml": MAP.replace("mine", "item"),
}
SETS = PARAMETER.replace(" x:", " y:") % "sets: [{object: ConfigMap/%s, path: data.x}]"
OWN_REFUSALS += [
    (
        {"features/mine/feature.yaml": LIST % ("list", "a", "item") + SETS % "item", **ITEM},
        "broken-feature",
        "…",
        "each entry of x",
        "a field of x",
    ),
    (
        {"features/mine/feature.yaml": LIST % ("list", "a", "item") + SETS % "mine", **ITEM},
        "broken-feature",
        "…",
        "each entry of x",
        "a field of x",
    ),
    (
        {"features/mine/feature.yaml": LIST % ("main", "a", "item"), **ITEM},
        "broken-feature",
        "…",
        'not in the part "main"',
        "objects of its own part",
    ),
]


@pytest.mark.parametrize(
    ("files", "code", "place", "reason", "remedy"),
    OWN_REFUSALS,
    ids=[f"{case[1]}-{case[3]}" for case in OWN_REFUSALS],
)
def test_a_feature_is_judged_before_it_is_planned_with(
    files: Files, code: str, place: str, reason: str, remedy: str
) -> None:
    sound = {"features/mine/feature.yaml": FEATURE, "features/mine/main/configmap-mine.yaml": MAP}
    lonely = len(files) == 1 and ("missing-value" in code or 'part "main"' in reason)
    found = next(
        finding for finding in refused({**({} if lonely else sound), **files}) if finding.name == code
    )
    where = found.location
    shown = f"{where.file.removeprefix('catalog/')}:{where.line}:{where.column}"
    assert shown == (place if place != "…" else f"{next(iter(files))}:{where.line}:{where.column}")
    assert reason in found.reason
    assert remedy in found.remedy


def test_a_parameter_reaches_objects_of_a_feature_that_is_required() -> None:
    sets = PARAMETER % "optional: true, sets: [{object: TektonConfig/config, path: spec.profile}]"
    files = {"features/mine/feature.yaml": FEATURE + sets, "features/mine/main/configmap-mine.yaml": MAP}
    assert {(finding.name, finding.reason) for finding in refused(files)} == {
        ("broken-feature", "no part contains TektonConfig/config")
    }
    files["features/mine/feature.yaml"] += "requires: [tekton]\n"
    assert "mine" in exchanged(files).features


def test_the_built_in_features_are_sound_by_the_same_judgment() -> None:
    findings = Findings()
    found, _ = local_features(read_catalog(), {}, findings)
    assert (found.keys(), list(findings)) == (BUILTIN.features.keys(), [])


def test_an_ambiguous_name_asks_for_the_part() -> None:
    both = {
        "features/mine/feature.yaml": "summary: Mine.\nenvironments:\n  okd: [a]\n  kind: [b]\n",
        "x.yaml": MAP,
    }
    both |= {f"features/mine/{part}/configmap-mine.yaml": MAP for part in "ab"}
    change = "changes:\n- replace: {feature: mine, object: ConfigMap/mine, with: x.yaml%s}\n"
    found = refused({**both, "changes/x.yaml": change % ""})
    assert [(finding.name, finding.remedy) for finding in found] == [
        ("change-without-target", "add part: a or b")
    ]
    own = MAP.replace("default}", "default, labels: {a: b}}")
    feature = exchanged({**both, "x.yaml": own, "changes/x.yaml": change % ", part: b"}).features["mine"]
    assert [path for path in feature.files if feature.files[path] == own.encode()] == [
        "b/configmap-mine.yaml"
    ]


# A Pipeline whose tasks wait by runAfter and by results, in the ways in which people write it.
Task = dict[str, Any]


@st.composite
def pipelines(draw: st.DrawFn) -> list[Task]:
    tasks: list[Task] = []
    for number in range(draw(st.integers(2, 7))):
        task: Task = {"name": f"t{number}", "taskRef": {"name": "x"}}
        earlier = [each["name"] for each in tasks]
        names = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        if names:
            task["runAfter"] = names
        if draw(st.booleans()) and earlier:
            task["params"] = [{"name": "p", "value": f"$(tasks.{draw(st.sampled_from(earlier))}.results.r)"}]
        tasks.append(task)
    return draw(st.permutations(tasks))


def order(tasks: list[Task]) -> set[tuple[str, str]]:
    """Return each pair of tasks of which the first certainly ends before the second begins."""
    direct = {task["name"]: waits(task) for task in tasks}
    pairs = {(first, second) for second, names in direct.items() for first in names}
    for _ in direct:
        pairs |= {(a, d) for a, b in pairs for c, d in pairs if b == c}
    return pairs


def without(pairs: set[tuple[str, str]], name: str) -> set[tuple[str, str]]:
    return {pair for pair in pairs if name not in pair}


@given(pipelines(), st.data())
def test_insertion_keeps_the_order_and_puts_the_new_task_between(
    tasks: list[Task], data: st.DataObject
) -> None:
    anchor = data.draw(st.sampled_from(tasks))
    old, new = order(tasks), {"name": "new", "taskRef": {"name": "x"}}
    before, after = (
        order(inserted(tasks, new, before=anchor["name"])),
        order(inserted(tasks, new, after=anchor["name"])),
    )
    assert without(before, "new") == old == without(after, "new")
    assert {first for first, second in before if second == "new"} == {
        first for first, second in old if second == anchor["name"]
    }
    assert {second for first, second in after if first == "new"} == {
        second for first, second in old if first == anchor["name"]
    }
    assert ("new", anchor["name"]) in before
    assert (anchor["name"], "new") in after


def results_of(task: Task) -> set[str]:
    return {each["value"].split(".")[1] for each in task.get("params", [])}


@given(pipelines(), st.data())
def test_removal_keeps_the_order_of_the_rest_and_moving_adds_to_it_or_is_refused(
    tasks: list[Task], data: st.DataObject
) -> None:
    task = data.draw(st.sampled_from(tasks))
    name = task["name"]
    anchor = data.draw(st.sampled_from([each["name"] for each in tasks if each["name"] != name]))
    rest = without(order(removed(tasks, name)), name)
    assert rest == without(order(tasks), name)
    # It cannot go before what it needs a result of, nor behind what needs one of its own.
    users = {each["name"] for each in tasks if name in results_of(each)}
    if any((anchor, needed) in rest for needed in results_of(task)) or any(
        user == anchor or (user, anchor) in rest for user in users
    ):
        with pytest.raises(OrderError) as error:
            moved(tasks, name, after=anchor)
        assert error.value.name == "broken-task-order"
        return
    result = order(moved(tasks, name, after=anchor))
    assert without(result, name) >= rest
    assert (anchor, name) in result
    assert {second for first, second in result if first == name} >= {
        second for first, second in rest if first == anchor
    }
    assert not any(first == second for first, second in result)


HEAD = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p, namespace: p}\nspec:\n"


@st.composite
def typed(draw: st.DrawFn, tasks: list[Task]) -> str:
    """Write a Pipeline as somebody might: comments, blank lines, lists in brackets or not, indented or
    not, keys in any order.
    """
    indent = draw(st.sampled_from(["", "  ", "    "]))
    text = f"{HEAD}  tasks:  # in no order\n"
    for number, task in enumerate(tasks):
        text += draw(
            st.sampled_from(
                [
                    "",
                    "\n",
                    f"  {indent}# about {number}\n",
                    f"\n  {indent}# about {number}\n  {indent}# more\n",
                ]
            )
        )
        if draw(st.booleans()):
            text += f"  {indent}- {json.dumps(task)}  # of {number}\n"
            continue
        keys = draw(st.permutations(list(task)))
        lines: list[str] = []
        for key in keys:
            flow = draw(st.booleans())
            written = (
                [f"{key}: {json.dumps(task[key])}  # {key} of {number}"]
                if flow
                else dump({key: task[key]}).splitlines()
            )
            lines += written
        script = draw(st.sampled_from([[], ["description: |", "  # no comment", "  - x"]]))
        text += "".join(
            f"  {indent}{'- ' if not place else '  '}{line}\n" for place, line in enumerate([*lines, *script])
        )
    end = draw(
        st.sampled_from(
            [
                "",
                "  # behind\n",
                "  # behind\n  finally:\n  - name: last\n    taskRef: {name: x}\n",
                "\n# the end\n",
            ]
        )
    )
    # Without a line feed at its end, the last line of a script is another one as soon as something follows
    # it.
    return text + end if text.endswith("- x\n") or draw(st.booleans()) else (text + end).rstrip("\n")


@given(st.data())
def test_the_text_says_what_was_meant_and_keeps_the_comments(data: st.DataObject) -> None:
    tasks = data.draw(pipelines())
    text = data.draw(typed(tasks))
    builtin = load_catalog(
        Tree(
            {
                "features/f/feature.yaml": b"summary: x\nenvironments: {kind: [main]}\n",
                "features/f/main/pipeline-p.yaml": text.encode(),
            }
        )
    )
    old = read("p", text.encode()).value["spec"]["tasks"]
    anchor, other = (task["name"] for task in data.draw(st.permutations(tasks))[:2])
    where = data.draw(st.sampled_from(["before", "after"]))
    task = {"name": "new", "taskRef": {"name": "x"}, "params": [{"name": "s", "value": "a: b\n# c\n"}]}
    insert = {"insert": {"feature": "f", "pipeline": "p", where: anchor, "task": task}}
    move = {"move": {"feature": "f", "pipeline": "p", where: anchor, "task": other}}
    for change in (insert, move):
        place: Any = {where: anchor}
        try:
            wanted = inserted(old, task, **place) if change is insert else moved(old, other, **place)
        except OrderError:
            continue
        file = (
            exchanged({"changes/x.yaml": dump({"changes": [change]})}, builtin)
            .features["f"]
            .files["main/pipeline-p.yaml"]
            .decode()
        )
        assert read("p", file.encode()).value["spec"]["tasks"] == wanted
        comments = [
            line for line in text.splitlines() if line.strip().startswith("# ") and "no comment" not in line
        ]
        assert sorted(
            line
            for line in file.splitlines()
            if line.strip().startswith("# ") and "no comment" not in line and "# c" not in line
        ) == sorted(comments)


def test_what_cannot_be_edited_as_text_is_refused_and_not_bent() -> None:
    text = f"{HEAD}  tasks: [{{name: a}}, {{name: b}}]\n"
    builtin = load_catalog(
        Tree(
            {
                "features/f/feature.yaml": b"summary: x\nenvironments: {kind: [main]}\n",
                "features/f/main/pipeline-p.yaml": text.encode(),
            }
        )
    )
    found = refused({"changes/x.yaml": "changes:\n- remove: {feature: f, pipeline: p, task: a}\n"}, builtin)
    assert [(finding.name, finding.location.line) for finding in found] == [("unusable-catalog-file", 2)]
    assert "a dash for each item" in found[0].reason
    one = load_catalog(
        Tree(
            {
                "features/f/feature.yaml": b"summary: x\nenvironments: {kind: [main]}\n",
                "features/f/main/p.yaml": f"{HEAD}  tasks:\n  - name: a\n".encode(),
            }
        )
    )
    assert (
        refused({"changes/x.yaml": "changes:\n- remove: {feature: f, pipeline: p, task: a}\n"}, one)[0].name
        == "broken-task-order"
    )


@pytest.fixture
def own(repo: Path) -> Path:
    """A repository with the case's clusters and catalog."""
    for name in ("clusters", "fleet.yaml"):
        (shutil.rmtree if (repo / name).is_dir() else Path.unlink)(repo / name)
        (shutil.copytree if (CASE / name).is_dir() else shutil.copy)(CASE / name, repo / name)
    for name in ("bases", "overlays", "argocd"):
        shutil.rmtree(repo / name)
    shutil.copytree(CASE / "catalog", repo / "catalog")
    return repo


def test_it_builds_validates_and_keeps_the_rules(own: Path, okd_gitops: Run) -> None:
    assert okd_gitops("generate").returncode == 0
    result = okd_gitops("check", "--output=json")
    report = json.loads(result.stdout)
    assert (result.returncode, report["errors"], report["withoutSchema"]) == (0, 0, 0), report["findings"]
    assert (own / "bases/scos-pipeline/pipeline/task-scan.yaml").read_bytes() == (
        CASE / "catalog/tasks/task-scan.yaml"
    ).read_bytes()
    # The rules judge what came out as they judge everything.
    file = own / "catalog/changes/scan.yaml"
    file.write_text(
        file.read_text()
        .replace("- name: shared-workspace\n", "- name: elsewhere\n")
        .replace("name: target", "name: tarot")
    )
    assert okd_gitops("generate").returncode == 0
    result = okd_gitops("check", "--output=json")
    assert result.returncode == 1
    findings = json.loads(result.stdout)["findings"]
    errors = {finding["name"] for finding in findings if finding["severity"] == "error"}
    assert errors == {"tekton-wiring"}


def test_explain_and_schema_know_the_repositorys_own(own: Path, okd_gitops: Run) -> None:
    assert okd_gitops("explain", "build-quota").stdout.startswith(
        "build-quota: Bounds what builds may use.\n"
    )
    for kind, file in (
        ("feature", "features/build-quota/feature.yaml"),
        ("changes", "changes/scan.yaml"),
        ("changes", "changes/site.yaml"),
    ):
        validator = Draft202012Validator(json.loads(okd_gitops("schema", kind).stdout))
        value = read(file, (own / "catalog" / file).read_bytes()).value
        assert list(validator.iter_errors(value)) == []
        assert list(validator.iter_errors({**value, "chnages": []}))
    features = json.loads(okd_gitops("schema", "cluster").stdout)["properties"]["features"]["properties"]
    assert "pods" in features["build-quota"]["properties"]
    (own / "catalog/changes/broken.yaml").write_text("changes: [{}]\n")
    assert okd_gitops("explain", "invalid-value").returncode == 0
    broken = okd_gitops("explain", "build-quota")
    assert (broken.returncode, "catalog/changes/broken.yaml:1:11" in broken.stderr) == (2, True)
    (own / "catalog/changes/broken.yaml").unlink()
    spec = own / "catalog/features/build-quota/feature.yaml"
    spec.write_text(spec.read_text().replace("Bounds what builds may use.", r'"Bounds\e[2J"'))
    assert okd_gitops("explain", "build-quota").stdout.startswith("build-quota: Bounds?[2J\n")


def test_faults_of_the_catalog_and_of_clusters_come_together_and_nothing_is_written(
    own: Path, okd_gitops: Run
) -> None:
    (own / "catalog/changes/broken.yaml").write_text("changes: [{}]\n")
    (own / "clusters/hub.yaml").write_text("purpose: hup\n")
    result = okd_gitops("generate")
    assert result.returncode == 2
    assert "catalog/changes/broken.yaml:1:11" in result.stderr
    assert "clusters/hub.yaml:1:10" in result.stderr
    assert not (own / "bases").exists()


def test_symlinks_are_refused(own: Path, okd_gitops: Run, tmp_path: Path) -> None:
    outside = tmp_path / "task.yaml"
    outside.write_text(SCAN)
    file = own / "catalog/tasks/task-scan.yaml"
    file.unlink()
    file.symlink_to(outside)
    result = okd_gitops("generate")
    assert (
        result.returncode,
        "unreadable-file" in result.stderr,
        "catalog/tasks/task-scan.yaml" in result.stderr,
    ) == (2, True, True)
    shutil.move(own / "catalog", tmp_path / "elsewhere")
    (own / "catalog").symlink_to(tmp_path / "elsewhere")
    result = okd_gitops("generate")
    assert (result.returncode, "unreadable-file" in result.stderr) == (2, True)


def test_a_commit_holds_the_catalog_with_what_came_of_it(own: Path, okd_gitops: Run) -> None:
    kept = own.parent / "kept"
    shutil.move(own / "catalog", kept)
    hub = own / "clusters/hub.yaml"
    text = hub.read_text()
    hub.write_text(text.replace("  build-quota:\n    pods: 40\n", ""))
    assert okd_gitops("generate").returncode == 0
    git(own, "init", "--quiet", "--initial-branch=main")
    git(own, "add", "--all")
    git(own, "commit", "--quiet", "--message=start")
    shutil.move(kept, own / "catalog")
    (own / "catalog/features/build-quota").rename(own / "catalog/features/build-limit")
    assert okd_gitops("generate").returncode == 0
    result = okd_gitops("commit", "--output=json")
    assert result.returncode == 0, result.stderr
    body = json.loads(result.stdout)
    assert "catalog/changes/scan.yaml" in body["paths"]
    assert body["message"].startswith("Update hub\n"), "the cluster that runs what changed"
    assert git(own, "status", "--porcelain") == ""
