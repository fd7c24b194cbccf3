"""The programs that judge: what did not do its work never passes, and nothing that it started stays."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import CACHE, ROOT, Run
from kustomizations import CONFIGMAP, write
from okd_gitops.check import kubeconform
from okd_gitops.errors import ToolError
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.render import kustomize
from okd_gitops.system import file_status, process
from okd_gitops.system.tools import PINS, sha256_of, tool

APP = {"app/kustomization.yaml": b"resources: [cm.yaml]\n", "app/cm.yaml": CONFIGMAP.encode()}
IDENTITY = ObjectId.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})


def script(folder: Path, text: str) -> Path:
    path = folder / "fake"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exit 0", "0 documents, but there must be at least 1"),
        ("echo 'kind: [}'", "not YAML"),
        ("echo garbage", "not an object"),
        ("exit 7", "code 7"),
        ("kill -9 $$; exit 139", "ended with"),
        ("while :; do :; done", "took more than 2 s"),
        ("while :; do echo 0123456789abcdef0123456789abcdef; done", "wrote more than 1 MiB"),
    ],
)
def test_a_kustomize_that_did_not_build_everything_is_named_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    # Only what never ends meets the limit: the others are given the time that a slow machine needs.
    monkeypatch.setattr(kustomize, "TIMEOUT", 2.0 if reason.startswith("took") else 300.0)
    monkeypatch.setattr(process, "MAX_OUTPUT", 1 << 20)
    rendering = kustomize.render(
        write(tmp_path, APP),
        {"app": "x"},
        script(tmp_path, text),
        workers=1,
        least={"app": walk(APP, "app").least},
    )
    (finding,) = rendering.findings
    assert finding.name == "not-judged"
    assert re.search(f"app was not judged: .*{reason}", finding.reason), finding.reason


def test_a_panic_is_a_finding_and_the_other_folders_are_built(tmp_path: Path) -> None:
    panic = (
        'case "$2" in ./app) echo "panic: index out of range" >&2; echo "goroutine 1" >&2; exit 2;; '
        'esac; echo "kind: A"'
    )
    counted: list[tuple[int, int]] = []
    rendering = kustomize.render(
        write(tmp_path, APP),
        {"app": "x", "other": "y"},
        script(tmp_path, panic),
        workers=1,
        count=lambda done, total: counted.append((done, total)),
    )
    assert counted == [(1, 2), (2, 2)]
    assert [finding.name for finding in rendering.findings] == ["kustomize-build-failed"]
    assert "panic: index out of range" in rendering.findings[0].reason
    assert list(rendering.documents) == ["other"]


@pytest.mark.parametrize(
    ("generated", "told"),
    [
        ('{name: a, literals: ["x:Hunter2"]}', "not key=value"),
        ('{name: a, literals: ["x=1", "Hunter2]\\n: Hunter2"]}', "not key=value"),
        ("{name: a, envs: [a.env]}", "not UTF-8"),
        ('{name: a, files: ["Hunter2=a=b"]}', "contains '='"),
        ('{name: a}\npatches: [{patch: "stringData: {p: Hunter2}"}]', "patch from […]"),
    ],
)
def test_what_kustomize_repeats_of_a_secret_is_not_told(tmp_path: Path, generated: str, told: str) -> None:
    files = {
        "app/kustomization.yaml": f"secretGenerator:\n- {generated}\n".encode(),
        "app/a.env": b"p=Hunter2\xff",
    }
    rendering = kustomize.render(write(tmp_path, files), {"app": "x"}, tool(CACHE, "kustomize"), workers=1)

    (finding,) = rendering.findings
    assert finding.name == "kustomize-build-failed"
    assert told in finding.reason
    assert "Hunter2" not in str(finding)
    assert "72 117 110" not in str(finding)


@pytest.mark.parametrize("isolated", [True, False])
def test_no_process_of_a_program_outlives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, isolated: bool
) -> None:
    if not isolated:
        monkeypatch.setattr(process, "isolation", lambda: ())
    text = (
        f"/bin/sleep 300 & /usr/bin/setsid /bin/sh -c '/bin/sleep 301 & echo $! >{tmp_path}/pid; wait' "
        ">/dev/null 2>&1 &\n"
        "/bin/sleep 0.5"
    )
    process.run([str(script(tmp_path, text))], cwd=tmp_path, timeout=20)
    assert (tmp_path / "pid").read_text()
    time.sleep(0.2)
    left = [line for line in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x0030" in _read(line)]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_program_sees_no_path_no_home_and_a_limit_on_memory(tmp_path: Path) -> None:
    done = process.run(
        [str(script(tmp_path, 'echo "$PATH|$HOME|$HTTPS_PROXY|$GIT_ALLOW_PROTOCOL|$(ulimit -v)"'))],
        cwd=tmp_path,
        timeout=20,
    )
    assert done.out.decode() == "|/nonexistent|http://127.0.0.1:1|none|4194304\n"


SUMMARY = '{"resources": %s, "summary": {"valid": %d, "invalid": %d, "errors": 0, "skipped": %d}}'


@pytest.mark.parametrize(
    "text",
    [
        *(
            "exit 0",
            "echo null",
            "echo '{}'",
            "echo '[]'",
            "echo '{\"summary\": null}'",
            "echo '{\"summary\": {}}'",
        ),
        f"echo '{SUMMARY % ('[]', 0, 0, 0)}'",
        f"echo '{SUMMARY % ('[]', 0, 0, 1)}'",
        f"echo '{SUMMARY % ('[]', 1, 0, 1)}'",
        f"echo '{SUMMARY % ('[]', 2, 0, 0)}'",
        f"echo '{SUMMARY % ('[]', 0, 1, 0)}'",
        f"echo '{SUMMARY % ('null', 1, 0, 0)}'; exit 1",
        f"echo '{SUMMARY % ('[{}]', 0, 1, 0)}'; exit 1",
    ],
)
def test_a_kubeconform_whose_counts_do_not_add_up_judges_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(ToolError, match="kubeconform"):
        kubeconform.validate(
            {CONFIGMAP.encode(): IDENTITY},
            CACHE / "schemas",
            script(tmp_path, text),
            kubernetes="1.35",
            workers=1,
        )


def schemas(tmp_path: Path) -> Path:
    """A bundle with one schema, and an index that has its hash."""
    folder = tmp_path / "schemas"
    name = "kubernetes-1.35/configmap-v1.json"
    (folder / name).parent.mkdir(parents=True)
    shutil.copy(CACHE / "schemas" / name, folder / name)
    index = {
        "kubernetes": {"1.35": [["", "v1", "ConfigMap"]]},
        "crds": [],
        "files": {name: sha256_of(folder / name)},
    }
    (folder / "index.json").write_text(json.dumps(index))
    return folder


CHANGES: list[Callable[[Path], object]] = [
    lambda file: file.write_text("{}"),
    lambda file: file.write_text('{"$ref": "http://127.0.0.1:1/x.json"}'),
    lambda file: file.write_bytes(file.read_bytes()[:-10]),
    lambda file: file.unlink(),
    lambda file: file.rename(file.with_name("configmap-v2.json")),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_a_schema_that_was_changed_is_named_before_it_is_read(tmp_path: Path, number: int) -> None:
    folder = schemas(tmp_path)
    judge = tool(CACHE, "kubeconform")
    assert (
        kubeconform.validate({CONFIGMAP.encode(): IDENTITY}, folder, judge, kubernetes="1.35", workers=1)
        == []
    )
    CHANGES[number](folder / "kubernetes-1.35/configmap-v1.json")
    with pytest.raises(
        ToolError, match=r"configmap.*v1\.json is not the one that was built: (None|[0-9a-f]{64}), not"
    ):
        kubeconform.validate({CONFIGMAP.encode(): IDENTITY}, folder, judge, kubernetes="1.35", workers=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"kubernetes": 1}',
        '{"kubernetes": {"1.35": 1}, "crds": [], "files": {}}',
        "[" * 100_000,
    ],
)
def test_an_index_of_another_form_is_no_bundle(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(ToolError, match="schemas"):
        kubeconform.validate(
            {CONFIGMAP.encode(): IDENTITY}, tmp_path, tool(CACHE, "kubeconform"), kubernetes="1.35", workers=1
        )


@pytest.mark.parametrize(
    "fault", ["shorter", "other", "not executable", "a link", "for all to write", "other pins"]
)
def test_a_tool_that_is_not_the_one_that_was_built_is_not_returned(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an earlier run has computed its hash, and its size and mtime are as they were."""
    monkeypatch.setattr(file_status, "_SETTLED", -60.0)
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "bin"
    shutil.copytree(CACHE / "bin", folder)
    binary, sums = folder / "kustomize", folder / "sha256sums"
    before = binary.stat()
    assert tool.__wrapped__(tmp_path, "kustomize") == binary
    assert list((tmp_path / "kept/hashes").iterdir())
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/bin").symlink_to(folder)
    assert tool.__wrapped__(tmp_path / "linked", "kustomize").exists()
    if fault in ("shorter", "other"):
        binary.write_bytes(binary.read_bytes()[:-1] + (b"x" if fault == "other" else b""))
        os.utime(binary, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif fault == "not executable":
        binary.chmod(0o644)
    elif fault == "a link":
        binary.rename(tmp_path / "elsewhere")
        binary.symlink_to(tmp_path / "elsewhere")
    elif fault == "for all to write":
        folder.chmod(0o777)
    else:
        sums.write_text(re.sub(r".*  go.sum", f"{'0' * 64}  go.sum", sums.read_text()))
    with pytest.raises(ToolError):
        tool.__wrapped__(tmp_path, "kustomize")


def test_a_folder_under_check_never_lends_its_tools(repo: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (repo / ".cache/bin").mkdir(parents=True)
    for name in ("kustomize", "kubeconform"):
        fake = script(repo / ".cache/bin", f"echo >{ran}")
        fake.rename(repo / ".cache/bin" / name)
    sums = [f"{sha256_of(path)}  {path.name}\n" for path in (repo / ".cache/bin").iterdir()]
    pins = [f"{sha256_of(ROOT / 'tools' / pin)}  {pin}\n" for pin in PINS]
    (repo / ".cache/bin/sha256sums").write_text("".join([*sums, *pins]))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
    command = [sys.executable, "-m", "okd_gitops", "check", str(repo)]
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=300, check=False)
    assert not ran.exists()


@pytest.mark.parametrize(
    "files", [{}, {"README.md": b"text"}, {"app/kustomization.yaml": b"namespace: x\nresources: []\n"}]
)
def test_where_nothing_is_judged_nothing_passes(
    tmp_path: Path, okd_gitops: Run, files: dict[str, bytes]
) -> None:
    (tmp_path / "theirs").mkdir()
    result = okd_gitops("check", str(write(tmp_path / "theirs", files)))
    assert result.returncode == 4, result.stdout + result.stderr
    assert "nothing was judged" in result.stderr


def test_a_program_that_the_kernel_killed_has_the_code_of_that_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """unshare itself ends with 1 then, which is the code of a program that refuses."""
    monkeypatch.setattr(process, "_LIMITS", 'ulimit -t 1; shift 3; exec "$@"')
    done = process.run([str(script(tmp_path, "while :; do :; done"))], cwd=tmp_path, timeout=300)
    assert done.code not in (0, 1, 2)
