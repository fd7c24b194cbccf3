"""Results that are kept between runs: each way to make them wrong is caught, and they change no output."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from conftest import CACHE, ROOT
from kustomizations import write
from okd_gitops.check.build import build
from okd_gitops.check.foreign import check_foreign
from okd_gitops.check.outcome import Report
from okd_gitops.check.verdicts import verdicts_on
from okd_gitops.errors import ToolError
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.render.kustomize import Rendering
from okd_gitops.system.foreign_files import read_repository
from okd_gitops.system.kept import EXACT, Keys, Results, kept_folder, key_of
from okd_gitops.system.tools import hash_of, sha256_of, tool

CONFIGMAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: b\n"
FILES = {
    "base/kustomization.yaml": b"resources: [cm.yaml]\n",
    "base/cm.yaml": CONFIGMAP.encode(),
    "app/kustomization.yaml": b"resources: [../base]\nnamePrefix: my-\n",
}
RENDERERS = ("kustomize", "kustomize-in-turn")
IDENTITY = ObjectId.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own with the real tools and schemas, in which results are kept."""
    folder = tmp_path / "cache"
    folder.mkdir()
    shutil.copytree(CACHE / "bin", folder / "bin")
    (folder / "schemas").symlink_to(CACHE / "schemas")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "repo", FILES)


def test_a_result_is_that_of_its_key_and_of_what_it_depends_on(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.keep("one", b"1")
    results.keep("other", b"2")
    (tmp_path / "one").replace(tmp_path / "other")
    assert (results.read("one"), results.read("other")) == (None, None)

    results.keep_of("version", "place", b"three\nlines\n")
    assert results.read_of("version", "place") == b"three\nlines\n"
    assert results.read_of("another version", "place") is None
    assert results.read_of("version", "another place") is None


def rendered(root: Path, cache: Path) -> Rendering:
    """Build the folder `app` of a repository as it is now."""
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.y*ml")}
    return build(root, cache, {"app": walk(files, "app")}, {"app": "x"}, files)


def text(rendering: Rendering) -> str:
    return b"".join(document.data for document in rendering.documents["app"]).decode()


def broken(cache: Path, *names: str) -> None:
    """Let tools fail from now on, so that only what is kept can be had."""
    for name in names:
        (cache / "bin" / name).write_text("#!/bin/sh\nexit 9\n")


def results(cache: Path) -> list[Path]:
    return sorted((cache / "kept" / "rendered").iterdir())


def test_a_folder_that_did_not_change_is_not_built_again(root: Path, cache: Path) -> None:
    first = text(rendered(root, cache))
    assert "my-x" in first
    broken(cache, *RENDERERS)
    assert text(rendered(root, cache)) == first


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: (root / "base/cm.yaml").write_text(CONFIGMAP.replace("a: b", "a: c")),
        lambda root: (root / "app/kustomization.yaml").write_text("resources: [../base]\n"),
    ],
    ids=["a base", "its kustomization"],
)
def test_an_edited_file_is_seen_whatever_its_time(
    root: Path, cache: Path, edit: Callable[[Path], object]
) -> None:
    before = text(rendered(root, cache))
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*.yaml")}
    edit(root)
    for path, time in times.items():
        os.utime(path, ns=(time, time))
    assert text(rendered(root, cache)) != before


@pytest.mark.parametrize("second", [0, 4_000_000_000], ids=["back", "ahead"])
def test_a_clock_that_jumped_changes_nothing(root: Path, cache: Path, second: int) -> None:
    """Files that are older, or newer, than what was made of them."""
    before = text(rendered(root, cache))
    (root / "base/cm.yaml").write_text(CONFIGMAP.replace("a: b", "a: c"))
    for path in (*root.rglob("*.yaml"), *results(cache)):
        os.utime(path, (second, second))
    after = text(rendered(root, cache))
    assert after == before.replace("a: b", "a: c")

    broken(cache, *RENDERERS)
    assert text(rendered(root, cache)) == after


def test_a_removed_file_is_seen(root: Path, cache: Path) -> None:
    rendered(root, cache)
    (root / "base/cm.yaml").unlink()
    files = {path: data for path, data in FILES.items() if path != "base/cm.yaml"}
    assert walk(files, "app").findings


def test_a_second_kustomization_beside_the_first_is_seen(root: Path, cache: Path) -> None:
    rendered(root, cache)
    (root / "base/kustomization.yml").write_text("resources: []\n")
    assert rendered(root, cache).findings[0].name == "kustomize-build-failed"


def test_links_that_changed_places_are_seen(tmp_path: Path, cache: Path) -> None:
    """Both lead to files that the folder reaches before and after."""
    root = write(tmp_path / "linked", FILES)
    for name in ("one", "two"):
        (root / f"app/{name}.txt").write_text(name)
    data = "configMapGenerator: [{name: x, files: [first, second, one.txt, two.txt]}]\n"
    (root / "app/kustomization.yaml").write_text(data)
    seen = []

    for first, second in (("one.txt", "two.txt"), ("two.txt", "one.txt")):
        for link, target in (("first", first), ("second", second)):
            (root / "app" / link).unlink(missing_ok=True)
            (root / "app" / link).symlink_to(target)
        files = read_repository(root)
        seen.append(text(build(root, cache, {"app": walk(files, "app")}, {"app": "x"}, files)))

    assert ["first: one" in output for output in seen] == [True, False]


@pytest.mark.parametrize("name", RENDERERS)
def test_another_renderer_builds_anew(root: Path, cache: Path, name: str) -> None:
    """Also if only one of the two is another one; here it fails, and the other one builds."""
    first = text(rendered(root, cache))
    broken(cache, name)
    sums = cache / "bin" / "sha256sums"
    lines = [line for line in sums.read_text().splitlines() if not line.endswith(f"  {name}")]
    sums.write_text("\n".join([*lines, f"{sha256_of(cache / 'bin' / name)}  {name}"]) + "\n")
    tool.cache_clear()
    hash_of.cache_clear()
    try:
        assert text(rendered(root, cache)) == first
        assert len(results(cache)) == 2
    finally:
        tool.cache_clear()
        hash_of.cache_clear()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-5],
        lambda data: data.replace(b"my-x", b"my-y"),
        lambda data: data[:64],
        lambda data: data[:0],
        lambda data: b"0" * 64 + data[64:],
    ],
    ids=["cut", "changed", "only its hash", "empty", "another hash"],
)
def test_a_damaged_result_is_made_anew(root: Path, cache: Path, damage: Callable[[bytes], bytes]) -> None:
    first = text(rendered(root, cache))
    (result,) = results(cache)
    result.write_bytes(damage(result.read_bytes()))
    assert text(rendered(root, cache)) == first


def test_a_result_that_is_a_link_is_not_followed(root: Path, cache: Path, tmp_path: Path) -> None:
    rendered(root, cache)
    (result,) = results(cache)
    result.rename(tmp_path / "elsewhere")
    result.symlink_to(tmp_path / "elsewhere")
    assert Results(result.parent).read(result.name) is None
    assert text(rendered(root, cache))


def test_deleting_results_is_safe(root: Path, cache: Path) -> None:
    first = text(rendered(root, cache))
    shutil.rmtree(cache / "kept")
    assert text(rendered(root, cache)) == first


def test_what_was_edited_while_it_was_built_is_not_kept(root: Path, cache: Path) -> None:
    """The files were read before the build: what it read may be newer."""
    (root / "base/cm.yaml").write_text(CONFIGMAP.replace("a: b", "a: newer"))
    files = dict(FILES)
    rendering = build(root, cache, {"app": walk(files, "app")}, {"app": "x"}, files)
    assert "newer" in text(rendering)
    assert not (cache / "kept" / "rendered").exists()


@pytest.mark.parametrize("switch", [EXACT, "CI"])
def test_an_exact_run_and_ci_use_nothing(
    root: Path, cache: Path, switch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered(root, cache)
    broken(cache, *RENDERERS)
    monkeypatch.setenv(switch, "1")
    assert rendered(root, cache).findings
    assert kept_folder(cache) is None


def test_the_option_is_an_exact_run(repo: Path, cache: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in (EXACT, "CI")}
    command = [sys.executable, "-I", str(ROOT / "generator"), "--cache", str(cache)]

    def check(*options: str) -> int:
        arguments = [*command, *options, "check", "--at", "2026-11-28T12:00:00Z"]
        return subprocess.run(
            arguments, cwd=repo, env=environment, capture_output=True, check=False
        ).returncode

    assert check() == 0
    # A run of which nothing changed would not even look at what is rendered.
    shutil.rmtree(cache / "kept" / "runs")
    shutil.rmtree(cache / "kept" / "overlays")
    for result in results(cache):
        # A whole result, as somebody who may write here could forge it.
        Results(result.parent).keep(result.name, b"apiVersion: v1\nkind: Forged\nmetadata: {name: x}\n")
    assert check() != 0
    assert check("--exact") == 0


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o770])
def test_a_folder_that_others_may_change_or_git_made_is_not_used(cache: Path, mode: int) -> None:
    (cache / "kept").mkdir()
    (cache / "kept").chmod(mode)
    assert kept_folder(cache) is None


def test_a_cache_that_cannot_be_written_keeps_nothing(root: Path, cache: Path) -> None:
    (cache / "kept").write_text("a file where the folder would be")
    assert "my-x" in text(rendered(root, cache))


def test_old_results_are_removed_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okd_gitops.system.kept._MOST_RESULTS", 4)
    kept = Results(tmp_path / "kept")
    for number in range(6):
        kept.keep(key_of(b"%d" % number), b"data")
        os.utime(tmp_path / "kept" / key_of(b"%d" % number), (number, number))
    assert kept.read(key_of(b"0")) == b"data", "what is read was used last"
    kept.prune()
    assert kept.read(key_of(b"0")) == kept.read(key_of(b"5")) == b"data"
    assert kept.read(key_of(b"1")) is None
    assert len(list((tmp_path / "kept").iterdir())) == 2


def judged(cache: Path, document: str = CONFIGMAP, kubernetes: str = "1.35") -> list[tuple[str, ...]]:
    verdicts = verdicts_on({document.encode(): IDENTITY}, cache, kubernetes)
    return [verdict.reasons for verdict in verdicts]


def test_a_valid_document_is_not_judged_again(cache: Path) -> None:
    assert judged(cache) == []
    broken(cache, "kubeconform")
    assert judged(cache) == []
    with pytest.raises(ToolError):
        judged(cache, CONFIGMAP.replace("a: b", "a: c"))


def test_an_invalid_document_is_judged_each_time(cache: Path) -> None:
    wrong = CONFIGMAP.replace("a: b", "a: 1")
    assert judged(cache, wrong) == judged(cache, wrong) != []


def test_another_schema_or_kubernetes_judges_anew(cache: Path) -> None:
    judged(cache)
    broken(cache, "kubeconform")
    with pytest.raises(ToolError):
        judged(cache, kubernetes="1.34")

    index = (CACHE / "schemas" / "index.json").read_text()
    path = "kubernetes-1.35/configmap-v1.json"
    recorded = sha256_of(CACHE / "schemas" / path)
    assert recorded in index
    (cache / "schemas").unlink()
    shutil.copytree(CACHE / "schemas", cache / "schemas")
    (cache / "schemas" / "index.json").write_text(index.replace(recorded, "0" * 64))
    with pytest.raises(ToolError):
        judged(cache)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-2],
        lambda data: data[1:],
        lambda data: data[:64] + b" " + b"0" * 64 + b"\n",
        lambda data: b"\xff" * len(data),
        lambda data: data.replace(b"\n", b""),
    ],
    ids=["cut", "shifted", "another hash", "no text", "without an end"],
)
def test_a_damaged_record_is_judged_again(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    judged(cache)
    file = cache / "kept" / "valid"
    file.write_bytes(damage(file.read_bytes()))
    broken(cache, "kubeconform")
    with pytest.raises(ToolError):
        judged(cache)


def test_a_damaged_record_costs_no_other_one(tmp_path: Path) -> None:
    first, second, third = (key_of(b"%d" % number) for number in range(3))
    file = tmp_path / "valid"
    Keys(file).add([first])
    with file.open("ab") as log:
        log.write(b"half a record")
    Keys(file).add([second, third])
    kept = Keys(file)
    assert first in kept
    assert third in kept
    assert key_of(b"another") not in kept


def test_a_log_that_is_full_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okd_gitops.system.kept._MOST_RECORDS", 2)
    file = tmp_path / "valid"
    Keys(file).add([key_of(b"%d" % number) for number in range(3)])
    Keys(file).add([key_of(b"last")])
    assert key_of(b"last") in Keys(file)
    assert key_of(b"0") not in Keys(file)


def test_two_runs_at_once_keep_both_their_verdicts(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "from pathlib import Path\n"
        "from okd_gitops.system.kept import Keys, key_of\n"
        "for number in range(300):\n"
        "    Keys(Path(sys.argv[2])).add([key_of(sys.argv[3].encode(), b'%d' % number)])\n"
    )
    file = tmp_path / "valid"
    runs = [
        subprocess.Popen([sys.executable, "-I", "-c", code, str(ROOT / "generator"), str(file), name])
        for name in ("one", "two")
    ]
    assert [run.wait() for run in runs] == [0, 0]
    kept = Keys(file)
    assert all(key_of(name, b"%d" % number) in kept for name in (b"one", b"two") for number in range(300))


def test_a_report_is_the_same_with_and_without_what_is_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a folder that is not built, an invalid document, one without a schema, and what rules find."""
    wrong = (
        CONFIGMAP.replace("a: b", "a: 1") + "---\napiVersion: none/v1\nkind: Unknown\nmetadata: {name: y}\n"
    )
    root = write(
        tmp_path / "foreign",
        {
            **FILES,
            "bad/kustomization.yaml": b"resources: [cm.yaml]\n",
            "bad/cm.yaml": wrong.encode(),
            "broken/kustomization.yaml": b"patches: [{path: p.yaml}]\n",
            "broken/p.yaml": b"kind: Nothing\napiVersion: v1\nmetadata: {name: z}\n",
        },
    )

    def report() -> Report:
        return check_foreign(root, cache, kubernetes="1.35", today=date(2026, 11, 28), say=lambda _: None)

    cold, warm = report(), report()
    monkeypatch.setenv(EXACT, "1")
    exact = report()
    assert cold.findings == warm.findings == exact.findings != ()
    assert (cold.documents, cold.distinct) == (warm.documents, warm.distinct)
