"""Runs the scripts of the catalog's Tasks and CronJobs as their containers would, and judges them with
shellcheck.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from conftest import ROOT
from script_checks import shellchecked

FEATURES = ROOT / "generator/okd_gitops/catalog/features"


def catalog(feature: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a feature's folder by `Kind/name`, as they stand in its files."""
    values = [yaml.safe_load(path.read_text()) for path in sorted((FEATURES / feature).glob("*/*.yaml"))]
    return {f"{value['kind']}/{value['metadata']['name']}": value for value in values}


def environment(container: dict[str, Any]) -> dict[str, str]:
    """Return the plain variables of a step or container."""
    return {item["name"]: item.get("value", "") for item in container["env"]}


def shellcheck(container: dict[str, Any]) -> str:
    """Return what shellcheck says, for the bash of Tasks with every check on; the variables of the
    container are declared.
    """
    script = container.get("script") or "#!/bin/sh\n" + container["args"][0]
    every = ["--enable=all"] if "script" in container else []
    shebang, rest = script.split("\n", 1)
    text = "\n".join([shebang, "set -eu", *(f"export {name}=x" for name in environment(container)), rest])
    done = shellchecked(text, *every)
    return done.stdout if done.returncode else ""


def run_step(container: dict[str, Any], folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the script with programs of `folder`/bin first; results go to `folder`/RESULT_NAME; parameters
    that are not given are empty.
    """
    plain = {name: "" if "$(" in value else value for name, value in environment(container).items()}
    results = {name: str(folder / name) for name in plain if name.startswith("RESULT_")}
    values = {
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        **plain,
        **results,
        **given,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
    }
    command = (
        ["bash", "-c", container["script"]]
        if "script" in container
        else [*container["command"], *container["args"]]
    )
    return subprocess.run(command, env=values, cwd=folder, capture_output=True, text=True, check=False)


def program(folder: Path, name: str, text: str) -> None:
    """Put a program into `folder`/bin that stands for one of the image's."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(text)
    (folder / "bin" / name).chmod(0o755)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder with an identity, and return what it prints."""
    identity = [
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "init.defaultBranch=main",
    ]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path, message: str, **files: str) -> str:
    """Write files (`__` in a name is a slash, `_DOT_` a dot) into a work tree, commit all of it, and
    return the commit.
    """
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")
