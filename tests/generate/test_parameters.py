"""Settings of parameters become operations on the objects that they name, and nothing else."""

from typing import Any

from okd_gitops.generate.parameters import Setting, patched_objects
from okd_gitops.manifests.objects import ObjectId

ROLE: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader", "namespace": "EXAMPLE-build", "labels": {}},
}
CONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "build", "namespace": "build"},
    "data": {"mode": "slow"},
}
READER, BUILD = ObjectId.of(ROLE), ObjectId.of(CONFIG)


def test_each_object_gets_its_own_settings() -> None:
    settings = [Setting("ConfigMap/build", "data.mode", "fast"), Setting("Role/other", "rules", [])]
    build, reader = patched_objects([ROLE, CONFIG], settings)
    assert (build.identity, reader.identity) == (BUILD, READER)
    assert build.operations == ({"op": "replace", "path": "/data/mode", "value": "fast"},)
    assert reader.operations == ()


def test_a_value_that_the_object_has_already_is_no_operation() -> None:
    (build,) = patched_objects([CONFIG], [Setting("ConfigMap/build", "data.mode", "slow")])
    assert build.operations == ()


def test_an_object_is_placed_in_the_namespace_that_a_value_gives_it() -> None:
    (build,) = patched_objects([CONFIG], [Setting("ConfigMap/build", "metadata.namespace", "ci")])
    assert (build.identity.namespace, build.placed.namespace) == ("build", "ci")

    # The name of a namespace elsewhere in the object does not move it.
    (build,) = patched_objects([CONFIG], [Setting("ConfigMap/build", "data.namespace", "ci")])
    assert build.placed.namespace == "build"


def test_a_text_inside_the_namespace_moves_the_object_too() -> None:
    setting = Setting("Role/reader", "metadata.namespace", "moc", text="EXAMPLE")
    (reader,) = patched_objects([ROLE], [setting])
    assert reader.placed == ObjectId(READER.group, "v1", "Role", "moc-build", "reader")


def test_all_texts_of_one_string_are_written_by_one_operation() -> None:
    settings = [
        Setting("Role/reader", "metadata.namespace", "moc", text="EXAMPLE"),
        Setting("Role/reader", "metadata.namespace", "test", text="build"),
    ]
    (reader,) = patched_objects([ROLE], settings)
    assert [step["value"] for step in reader.operations] == ["moc-test"]


def test_every_path_that_leads_nowhere_is_a_fault_and_the_rest_is_set() -> None:
    settings = [
        Setting("ConfigMap/build", "spec.mode", 1),
        Setting("ConfigMap/build", "data.mode", "x", text="fast"),
        Setting("ConfigMap/build", "data.mode", "fast"),
    ]
    (build,) = patched_objects([CONFIG], settings)
    assert build.faults == (
        'ConfigMap/build: "spec.mode": there is no /spec',
        'ConfigMap/build: "data.mode": "fast" does not occur exactly once',
    )
    assert [step["value"] for step in build.operations] == ["fast"]


def test_a_copy_is_renamed_before_anything_else() -> None:
    (build,) = patched_objects([CONFIG], [Setting("ConfigMap/build", "data.mode", "fast")])
    copy = build.renamed("build-4.20")
    assert [step["path"] for step in copy.operations] == ["/metadata/name", "/data/mode"]
    assert copy.identity == BUILD
