"""Who serves the RPMs that no public repository has, and what a run does without new packages."""

import gzip
import io
import json
import os
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from conftest import ROOT
from steps import catalog, program, run_step

OBJECTS = catalog("scos-pipeline")
LINES = OBJECTS["ConfigMap/okd-coreos-lines"]["data"]["lines"]
DIGEST = f"sha256:{'a' * 64}"
ARTIFACTS = "registry.ci.openshift.org/origin/scos-{version}:artifacts"
WANTED = "packages:\n  - cri-o cri-tools # ose-comment\n  - openshift-clients openshift-kubelet\n"
PROVIDERS = "  - ose-aws-ecr-image-credential-provider\n\npostprocess:\n  - ose-nothing\n"


def run(task: str, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    (step,) = OBJECTS[f"Task/{task}"]["spec"]["steps"]
    (folder / "srv").mkdir(exist_ok=True)
    return run_step(step, folder, WORKSPACE=str(folder / "srv"), **given)


# --- the first minute


@pytest.fixture
def first(tmp_path: Path) -> Path:
    (tmp_path / "lines").write_text(LINES)
    variant = "mkdir -p src/config\ntouch src/config/manifest-c10s.yaml src/config/manifest-okd-c9s.yaml\n"
    program(tmp_path, "cosa", f"#!/usr/bin/env bash\n{variant}")
    program(tmp_path, "git", "#!/usr/bin/env bash\necho 0123\n")
    return tmp_path


def begin(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    values = {
        "TABLE": str(folder / "lines"),
        "PIPELINE": "okd-coreos-layered",
        "VERSION": "4.22",
        "VARIANT": "c10s",
        **given,
    }
    return run("cosa-init", folder, **values)


def results(folder: Path, *names: str) -> list[str]:
    return [(folder / f"RESULT_{name}").read_text() for name in names]


@pytest.mark.parametrize(
    ("version", "files"),
    [
        ("4.21", ["extensions/Dockerfile", ""]),
        ("4.22", ["extensions/Containerfile", ""]),
        ("5.0", ["extensions/Containerfile", "build-args-c10s-5.0.conf"]),
    ],
)
def test_the_names_of_a_branch_come_from_its_line(version: str, files: list[str], first: Path) -> None:
    done = begin(first, VERSION=version, RPM_IMAGES=ARTIFACTS)
    assert done.returncode == 0, done.stderr
    assert results(first, "EXTENSIONS_FILE", "ARGUMENTS_FILE") == files


@pytest.mark.parametrize(
    ("version", "pipeline"),
    [("5.2", "okd-coreos-layered"), ("4.18", "okd-coreos-layered"), ("", "okd-coreos")],
)
def test_a_minor_without_a_line_stops_the_run_before_anything_is_deleted(
    version: str, pipeline: str, first: Path
) -> None:
    (first / "srv").mkdir()
    (first / "srv/keep").touch()
    done = begin(first, VERSION=version, PIPELINE=pipeline, RPM_IMAGES=ARTIFACTS)
    assert done.returncode == 1
    assert f"no line of {version} for {pipeline}" in done.stderr
    assert (first / "srv/keep").exists()


def test_upstream_s_published_packages_are_the_default() -> None:
    for pipeline in ("okd-coreos", "okd-coreos-layered"):
        params = {item["name"]: item for item in OBJECTS[f"Pipeline/{pipeline}"]["spec"]["params"]}
        assert params["rpm-images"]["default"] == ARTIFACTS


@pytest.mark.parametrize(
    ("version", "pipeline", "repository"),
    [
        ("4.22", "okd-coreos-layered", "rhel-9.8-server-ose-4.22-okd"),
        ("4.18", "okd-coreos", "rhel-9.4-server-ose-4.18"),
    ],
)
def test_images_serve_the_repository_that_the_manifest_asks_for(
    version: str, pipeline: str, repository: str, first: Path
) -> None:
    variant = "okd-c9s" if pipeline == "okd-coreos" else "c10s"
    done = begin(first, VERSION=version, PIPELINE=pipeline, VARIANT=variant, RPM_IMAGES=ARTIFACTS)
    assert done.returncode == 0, done.stderr
    image = f"registry.ci.openshift.org/origin/scos-{version}:artifacts"
    assert results(first, "RPM_REPOSITORY", "RPM_IMAGES") == [repository, image]


@pytest.mark.parametrize("section", ["rhel-9.8-server-ose-4.22", "rhel-9.8-server-ose-4.22-okd"])
def test_a_repository_of_one_s_own_comes_before_the_images(section: str, first: Path) -> None:
    repos = first / "repos"
    repos.mkdir()
    (repos / "own.repo").write_text(f"[other]\n\n[{section}]\nbaseurl=https://rpms.example.org\n")
    done = begin(first, YUM_REPOS=str(repos), RPM_IMAGES=ARTIFACTS)
    assert done.returncode == 0, done.stderr
    assert results(first, "RPM_IMAGES") == [""]


@pytest.mark.parametrize("section", ["", "rhel-9.6-server-ose-4.21", "rhel-9x8-server-ose-4.22"])
def test_without_either_the_run_stops_with_the_name_and_the_line_to_write(section: str, first: Path) -> None:
    repos = first / "repos"
    repos.mkdir()
    (repos / "own.repo").write_text(f"[{section}]\n")
    (first / "srv").mkdir()
    (first / "srv/keep").touch()
    done = begin(first, YUM_REPOS=str(repos))
    assert done.returncode == 1
    assert "OKD 4.22 needs RPMs of the repository rhel-9.8-server-ose-4.22" in done.stderr
    assert f"rpm-images: {ARTIFACTS}" in done.stderr
    assert "create secret generic okd-coreos-yum-repos" in done.stderr
    assert (first / "srv/keep").exists()


def test_passwords_of_repositories_are_in_a_secret() -> None:
    for feature in ("scos-pipeline", "multi-arch"):
        for name, value in catalog(feature).items():
            if name.startswith("TriggerTemplate/okd-coreos"):
                (run_,) = value["spec"]["resourcetemplates"]
                volumes = {item["name"]: item for item in run_["spec"]["workspaces"]}
                assert volumes["yum-repos"]["secret"]["secretName"] == "okd-coreos-yum-repos"


# --- images as a repository


def layer(**files: str) -> bytes:
    """Return a compressed layer; `__` in a name is a slash."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/") + ".rpm")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(data.getvalue(), mtime=0)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Stand-ins: a registry whose image has what an RPM provides as its text, rpm, and createrepo_c."""
    layers = [
        layer(srv__repo__openshift="openshift-clients = 1\nopenshift-kubelet = 1"),
        layer(etc__x="nothing = 1"),
        layer(srv__repo__ecr="ecr-credential-provider = 1\nose-aws-ecr-image-credential-provider = 1"),
    ]
    (tmp_path / "image").mkdir()
    digests = [sha256(data).hexdigest() for data in layers]
    for name, data in zip(digests, layers, strict=True):
        (tmp_path / "image" / name).write_bytes(data)
    manifest = {"layers": [{"digest": f"sha256:{name}"} for name in digests]}
    (tmp_path / "image/manifest.json").write_text(json.dumps(manifest))

    lines = [
        "#!/usr/bin/env bash",
        f'echo "$*" >>{tmp_path}/log',
        'target="${@: -1:1}"',
        f'[[ "$1" != inspect ]] || echo {DIGEST}',
        f'[[ "$1" != copy ]] || cp -r {tmp_path}/image "${{target#dir:}}"',
    ]
    program(tmp_path, "skopeo", "\n".join(lines))
    program(tmp_path, "rpm", '#!/usr/bin/env bash\ncat "${@: -1:1}"\necho\n')
    program(tmp_path, "createrepo_c", '#!/usr/bin/env bash\nmkdir "${@: -1:1}/repodata"\n')
    (tmp_path / "srv/os").mkdir(parents=True)
    (tmp_path / "srv/os/packages-openshift.yaml").write_text(WANTED + PROVIDERS)
    return tmp_path


def serve(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    values = {
        "IMAGES": "registry.example.org:5000/origin/scos-4.22:artifacts",
        "REPOSITORY": "rhel-9.8-server-ose-4.22-okd",
        "SOURCE": "os",
        "DIRECTORY": "rpms",
        **given,
    }
    return run("rpm-repository", folder, **values)


def test_the_packages_of_an_image_become_a_repository_by_digest(images: Path) -> None:
    done = serve(images)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (images / "srv/rpms").iterdir()) == [
        "ecr.rpm",
        "openshift.rpm",
        "repodata",
    ]
    pinned = f"registry.example.org:5000/origin/scos-4.22@{DIGEST}"
    assert results(images, "IMAGES") == [pinned]
    assert f"docker://{pinned} dir:" in (images / "log").read_text().splitlines()[1]
    assert sorted(path.name for path in (images / "srv").iterdir()) == ["os", "rpms"]


def test_a_package_that_no_image_has_stops_the_run_with_its_name(images: Path) -> None:
    wanted = f"{WANTED}  - ose-crio-credential-provider\n{PROVIDERS}"
    (images / "srv/os/packages-openshift.yaml").write_text(wanted)
    done = serve(images)
    assert done.returncode == 1
    assert "ose-crio-credential-provider" in done.stderr.splitlines()
    assert "[rhel-9.8-server-ose-4.22]" in done.stderr
    assert not (images / "RESULT_IMAGES").exists()


def test_no_link_in_an_image_becomes_a_package(images: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        entry = tarfile.TarInfo("srv/repo/link.rpm")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    manifest = json.loads((images / "image/manifest.json").read_text())
    (images / "image/f00d").write_bytes(data.getvalue())
    manifest["layers"].append({"digest": "sha256:f00d"})
    (images / "image/manifest.json").write_text(json.dumps(manifest))
    assert serve(images).returncode == 0
    assert not (images / "srv/rpms/link.rpm").is_symlink()


@pytest.mark.parametrize(
    ("task", "image"), [("cosa-build-baseos", "ostree"), ("cosa-build-extensions", "extensions-container")]
)
def test_builds_with_one_cosa_serve_the_packages_to_themselves(task: str, image: str, tmp_path: Path) -> None:
    """The server is Python's own, as in the Task; the address is one of this process on loopback."""
    build = tmp_path / "srv/coreos/builds/latest/arch"
    for folder in (build, tmp_path / "srv/coreos/src/config", tmp_path / "srv/rpms/repodata"):
        folder.mkdir(parents=True)
    (tmp_path / "srv/rpms/repodata/repomd.xml").write_text("<repomd/>")
    (tmp_path / "srv/rpms/kubelet.rpm").write_text("an RPM")
    meta = {"buildid": "1", "images": {image: {"path": "image", "sha256": "f00d"}}}
    (build / "meta.json").write_text(json.dumps(meta))
    (build / "image").touch()

    lines = [
        "#!/usr/bin/env bash",
        'case "$1" in',
        "  basearch) echo arch ;;",
        "  build*) url=$(sed -n s,baseurl=,,p src/config/okd-rpms.repo)",
        f'    curl --fail --silent "${{url}}kubelet.rpm" >{tmp_path}/fetched ;;',
        "esac",
    ]
    program(tmp_path, "cosa", "\n".join(lines))
    address = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.{os.getpid() // 50000 % 250 + 1}"
    done = run(task, tmp_path, POD_IP=address, RPM_REPOSITORY="rhel-9.4-server-ose-4.18")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fetched").read_text() == "an RPM"

    repository = (tmp_path / "srv/coreos/src/config/okd-rpms.repo").read_text()
    assert repository.startswith("[rhel-9.4-server-ose-4.18]\n")


# --- a run without new packages


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """A folder in which cosa has fetched the last build, as cosa of 2026 does: without its images."""
    build = tmp_path / "srv/coreos/builds/10.0.1/arch"
    build.mkdir(parents=True)
    (tmp_path / "srv/coreos/builds/latest").symlink_to("10.0.1")
    image = {"path": "base.ociarchive", "sha256": "f00d"}
    (build / "meta.json").write_text(json.dumps({"buildid": "10.0.1", "images": {"ostree": image}}))
    (tmp_path / "s3").mkdir()
    (tmp_path / "s3/credentials").touch()
    return tmp_path


def base_build(folder: Path, built: str = "") -> subprocess.CompletedProcess[str]:
    program(
        folder,
        "cosa",
        "#!/usr/bin/env bash\n"
        f'echo "$*" >>{folder}/log\n'
        'case "$1" in\n'
        "  basearch) echo arch ;;\n"
        f"  build) {built or ':'} ;;\n"
        '  buildfetch) [[ "$*" != *--artifact=ostree* ]] || touch builds/latest/arch/base.ociarchive ;;\n'
        "esac\n",
    )
    return run("base-build", folder, BUILDS_URL="bucket/next/builds", S3_CREDENTIALS=str(folder / "s3"))


def test_without_new_packages_the_base_of_the_last_build_is_used(last: Path) -> None:
    done = base_build(last)
    assert done.returncode == 0, done.stderr
    archive = "coreos/builds/latest/arch/base.ociarchive"
    assert results(last, "CHANGED", "BUILD_ID", "ARCHIVE") == ["false", "10.0.1", archive]
    assert (last / "srv" / archive).exists()


def test_with_new_packages_nothing_else_is_fetched(last: Path) -> None:
    done = base_build(last, "touch builds/latest/arch/base.ociarchive")
    assert done.returncode == 0, done.stderr
    assert results(last, "CHANGED") == ["true"]
    assert "artifact" not in (last / "log").read_text()


def test_only_a_new_base_is_tested_and_uploaded_and_the_images_of_okd_are_always_made() -> None:
    tasks = {task["name"]: task for task in OBJECTS["Pipeline/okd-coreos-layered"]["spec"]["tasks"]}
    changed = {"input": "$(tasks.base-build.results.changed)", "operator": "in", "values": ["true"]}
    conditional = {name for name, task in tasks.items() if changed in task.get("when", [])}
    assert conditional == {
        "base-disks", "base-test", "cosa-generate-release-meta", "cosa-upload-bootimages"
    }  # fmt: skip


# --- the tests of CoreOS


@pytest.mark.parametrize("task", ["base-test", "cosa-test"])
def test_kola_tries_a_failed_test_again_and_tests_the_installer(task: str, tmp_path: Path) -> None:
    program(tmp_path, "cosa", f'#!/usr/bin/env bash\necho "$*" >>{tmp_path}/log\n')
    (tmp_path / "srv/coreos").mkdir(parents=True)
    assert run(task, tmp_path).returncode == 0
    tests, installer = (tmp_path / "log").read_text().splitlines()
    assert "--rerun --allow-rerun-success tags=needs-internet" in tests
    assert "iso.*" in installer or installer.startswith("kola testiso")


# --- storage


def storage(folder: Path, overlay: str, free: int = 0) -> subprocess.CompletedProcess[str]:
    """Run os-image with an archive of 64 layers; `overlay` is how `buildah info` ends."""
    source = folder / "srv/os"
    (source / ".git").mkdir(parents=True)
    (source / ".git/HEAD").write_text("0123\n")
    (source / "Containerfile").touch()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for number in range(64):
            archive.addfile(tarfile.TarInfo(f"blobs/sha256/{number:064x}"))
    (folder / "srv/base").write_bytes(data.getvalue())
    program(
        folder,
        "buildah",
        "#!/usr/bin/env bash\n"
        f'[[ "$1" != info ]] || {overlay}\n'
        f'if [[ "$1" == bud ]]; then cp "$CONTAINERS_STORAGE_CONF" {folder}/storage.conf; fi\n'
        'if [[ "$1" == push ]]; then echo "sha256:1" >"$3"; echo image >"${5#oci-archive:}"; fi\n',
    )
    program(folder, "df", f"#!/usr/bin/env bash\necho Avail\necho {free}\n")
    return run(
        "os-image",
        folder,
        STORAGE=str(folder),
        DIRECTORY="os",
        CONTAINERFILE="Containerfile",
        VARIANT="c10s",
        COMMIT="0123",
        OUTPUT="node",
        BASE_ARCHIVE="base",
        BASE_SHA256=sha256(data.getvalue()).hexdigest(),
    )


def test_layers_are_mounted_and_not_copied(tmp_path: Path) -> None:
    done = storage(tmp_path, "exit 0")
    assert done.returncode == 0, done.stderr
    assert 'driver = "overlay"' in (tmp_path / "storage.conf").read_text()


def test_copies_of_layers_need_room_for_all_of_them(tmp_path: Path) -> None:
    done = storage(tmp_path, "exit 1")
    assert done.returncode == 1
    assert "64 layers need 64 times" in done.stderr
    assert not (tmp_path / "storage.conf").exists()


def test_layers_are_copied_where_there_is_room_for_all_of_them(tmp_path: Path) -> None:
    done = storage(tmp_path, "exit 1", free=1 << 40)
    assert done.returncode == 0, done.stderr
    assert 'driver = "vfs"' in (tmp_path / "storage.conf").read_text()


def test_builds_of_images_ask_for_their_storage() -> None:
    (step,) = OBJECTS["Task/os-image"]["spec"]["steps"]
    assert step["computeResources"]["requests"]["ephemeral-storage"] == "16Gi"


@pytest.mark.parametrize("template", ["okd-coreos", "okd-coreos-layered"])
def test_pods_do_not_change_the_group_of_every_file(template: str) -> None:
    (run_,) = OBJECTS[f"TriggerTemplate/{template}"]["spec"]["resourcetemplates"]
    context = run_["spec"]["taskRunTemplate"]["podTemplate"]["securityContext"]
    assert context == {"fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch"}


# --- names that upstream changes


def image(folder: Path, files: list[str], **given: str) -> subprocess.CompletedProcess[str]:
    source = folder / "srv/os"
    (source / ".git").mkdir(parents=True)
    (source / ".git/HEAD").write_text("0123\n")
    for name in files:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).touch()
    (folder / "srv/base").write_text("base")
    values = {
        "DIRECTORY": "os",
        "CONTAINERFILE": "extensions/Dockerfile",
        "VARIANT": "c10s",
        "COMMIT": "0123",
        "BASE_ARCHIVE": "base",
        "BASE_SHA256": sha256(b"base").hexdigest(),
        **given,
    }
    program(folder, "buildah", "#!/usr/bin/env bash\nexit 9\n")
    return run("os-image", folder, **values)


@pytest.mark.parametrize(
    ("files", "given", "told"),
    [
        (["extensions/Containerfile"], {}, "no extensions/Dockerfile"),
        (
            ["extensions/Dockerfile"],
            {"ARGUMENTS_FILE": "build-args-c10s-5.0.conf"},
            "no build-args-c10s-5.0.conf",
        ),
        (
            ["extensions/Dockerfile", "build-args-c10s-5.1.conf"],
            {},
            "that the table okd-coreos-lines does not name",
        ),
    ],
)
def test_a_name_that_upstream_changed_is_told(
    files: list[str], given: dict[str, str], told: str, tmp_path: Path
) -> None:
    done = image(tmp_path, files, **given)
    assert done.returncode == 1
    assert told in done.stderr


def test_the_page_names_the_table() -> None:
    assert "okd-coreos-lines" in (ROOT / "docs/building.md").read_text()
