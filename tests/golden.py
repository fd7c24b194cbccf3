"""What the tests compare byte for byte and `make golden` writes: the scopes of kinds, the reference, the
README's shown files and outputs, what one more OKD minor changes, the text of pull requests, the cases'
expected folders.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

import changes
import pulls
import rule_outputs
import screens
from frozen import DAY, lay_out
from okd_gitops.cli.explain import by_area
from okd_gitops.cli.main import cli
from okd_gitops.errors import EXIT_CODES
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.known_names import known_names
from okd_gitops.fleet.schema import KINDS, schema
from okd_gitops.generate.generate import generate
from okd_gitops.system.disk import ROOTS, read_catalog
from okd_gitops.system.kept import EXACT
from okd_gitops.tree import MANIFEST

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OKD_GITOPS_CACHE", ROOT / ".cache")).resolve()
CASES = ROOT / "tests" / "cases"
PULLS = ROOT / "tests" / "report" / "pull_requests"
SCOPES = ROOT / "generator/okd_gitops/manifests/scopes.json"


def scopes() -> str:
    """Return which kinds have a namespace, as the modules say that the schemas are made of."""
    index = json.loads((CACHE / "schemas" / "index.json").read_text("utf-8"))
    return json.dumps(index["scopes"], indent=1) + "\n"


def copied(target: Path) -> None:
    """Copy what git tracks, or would, to `target`: the work tree as it is."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in sorted(set(listed.decode().split("\0")) - {""}):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    commit(target)


def clone(target: Path) -> None:
    """Make `target` a fresh clone of the work tree, with the example fleet in place of this repository's
    own.
    """
    copied(target)
    lay_out(target)
    commit(target)


def commit(target: Path) -> None:
    """Make a folder a repository of its own, and commit what is in it."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "--allow-empty", "--message=start"],
    ):
        subprocess.run(["git", *identity, *command], cwd=target, check=True, capture_output=True)


def shown(command: str, cwd: Path) -> str:
    """Run a command of the README and return what a terminal would show."""
    # What an outer make was asked for is no part of what the README shows.
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "ARGS")
    }
    environment = {**inherited, "CACHE": str(CACHE), EXACT: "1", **DAY}
    done = subprocess.run(
        command, shell=True, cwd=cwd, env=environment, stdout=-1, stderr=-2, text=True, check=False
    )
    return done.stdout


def readme(text: str, repository: Path) -> str:
    """Return README.md with every shown output and file as it really is; `repository` is a clone to run
    in.
    """

    def run(match: re.Match[str]) -> str:
        # What a command prints may show commands too.
        commands = re.findall(r"^\$ ((?:make|\./okd-gitops) .*)$", match[1], re.MULTILINE)
        return (
            "```console\n"
            + "".join(f"$ {command}\n{shown(command, repository)}" for command in commands)
            + "```"
        )

    text = re.sub(r"```console\n(.*?)```", run, text, flags=re.DOTALL)
    file = (repository / "clusters/moc-test.yaml").read_text()
    text = re.sub(
        r"(<!-- clusters/moc-test.yaml -->\n```yaml\n).*?```",
        lambda match: f"{match[1]}{file}```",
        text,
        flags=re.DOTALL,
    )
    paths = [path for path in sorted(repository.glob("overlays/moc-test/**/*")) if path.is_file()]
    paths += sorted((repository / "argocd/moc-test").iterdir())
    tree = "".join(f"{path.relative_to(repository)}\n" for path in paths)
    text = re.sub(
        r"(<!-- tree moc-test -->\n```text\n).*?```",
        lambda match: f"{match[1]}{tree}```",
        text,
        flags=re.DOTALL,
    )
    if "<!-- demo-release -->" in text:
        log = excerpt(shown("make demo-release", repository))
        text = re.sub(
            r"(<!-- demo-release -->\n```text\n).*?```",
            lambda match: f"{match[1]}{log}```",
            text,
            flags=re.DOTALL,
        )

    cluster = repository / "clusters/moc-test.yaml"
    cluster.write_text(file.replace("channel: stable-scos-4", "channel: 4-scos-stable"))
    error = shown("./okd-gitops generate", repository)
    cluster.write_text(file)
    return re.sub(
        r"(<!-- mistake -->\n```text\n).*?```", lambda match: f"{match[1]}{error}```", text, flags=re.DOTALL
    )


def excerpt(log: str) -> str:
    """Return what a reader learns from in the log of a rollout: its first plan and branch, and its end."""
    steps = re.split(r"^(?=\$ |# )", log, flags=re.MULTILINE)
    lessons = ("$ okd-gitops release plan", "$ okd-gitops release update", "$ okd-gitops status")

    return "".join(step for step in steps if step.startswith(lessons))


_NEW_LINE = '    - {minor: "5.0", stream: next, schedule: 30 2 * * *}\n'


def one_more_line(text: str, repository: Path) -> tuple[str, str]:
    """Return docs/okd-streams.md with what one more OKD minor on the hub changes, and the whole
    difference; `repository` is a clone to run in.
    """
    cluster = repository / "clusters/moc-hub.yaml"
    before = cluster.read_text()
    last = re.search(r"    releases:\n(?:    - .*\n)+", before)
    assert last, "moc-hub has release lines"
    cluster.write_text(f"{before[: last.end()]}{_NEW_LINE}{before[last.end() :]}")
    generate(repository)
    shown("git add --all", repository)
    counts, diff = (
        shown(f"git diff --cached --no-color {form} -- {' '.join(ROOTS)}", repository)
        for form in ("--numstat", "--unified=1")
    )
    shown("git reset --quiet --hard && git clean -fdq bases overlays argocd", repository)
    rows = "".join(
        f"+{added} -{removed} {path}\n"
        for added, removed, path in (line.split("\t") for line in counts.splitlines())
    )
    block = f"+{_NEW_LINE}\n{rows}"
    return re.sub(
        r"(<!-- one more line -->\n```diff\n).*?```",
        lambda match: f"{match[1]}{block}```",
        text,
        flags=re.DOTALL,
    ), diff


def _commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def reference() -> str:
    """Return docs/reference.md: options, features, purposes, findings and exit codes, all out of the code."""
    catalog = load_catalog(read_catalog())
    lines = [
        "# Reference",
        "",
        "Generated from the code by `make golden`; a test compares it.",
        "",
        "## Commands",
        "",
    ]
    for name, command in _commands(cli):
        settings = {**cli.context_settings, "auto_envvar_prefix": None}
        context = click.Context(command, info_name=f"okd-gitops {name}", **settings)
        lines += [f"### {name}", "", "```text", command.get_help(context), "```", ""]
    lines += ["## Features", "", "| feature | what it is | environments | requires |", "|---|---|---|---|"]
    for name, feature in sorted(catalog.features.items()):
        lines.append(
            f"| `{name}` | {feature.spec.summary} | {', '.join(feature.spec.environments)} | "
            f"{', '.join(feature.spec.requires)} |"
        )
    lines += [
        "",
        "## Secrets",
        "",
        "What the features expect on a cluster. `okd-gitops secrets --cluster NAME` prints the commands",
        "that make them; the feature `secrets` makes an ExternalSecret of each row instead. The value is",
        "random (made by the command), typed by a person, or in a file.",
        "",
    ]
    lines += ["| feature | Secret | type | keys | value | with | used |", "|---|---|---|---|---|---|---|"]
    for name, feature in sorted(catalog.features.items()):
        for secret, need in feature.spec.secrets.items():
            row = (
                f"`{name}`",
                f"`{feature.spec.shown_namespace(need.namespace)}/{secret}`",
                need.type,
                ", ".join(need.keys),
                str(need.origin),
                need.when or "",
                need.used,
            )
            lines.append(f"| {' | '.join(row)} |")
    lines += [
        "",
        "## Purposes",
        "",
        "| purpose | what it is | wave | features | sync |",
        "|---|---|---|---|---|",
    ]
    for name, purpose in sorted(catalog.purposes.items()):
        sync = ", ".join(key for key, value in purpose.sync if value)
        lines.append(
            f"| `{name}` | {purpose.summary} | {purpose.wave} | {', '.join(purpose.features)} | {sync} |"
        )
    lines += [
        "",
        "## Findings, refusals and decisions",
        "",
        "`okd-gitops explain NAME` prints the same. A decision about an upgrade has no severity.",
    ]
    for area, explanations in by_area().items():
        lines += [
            "",
            f"### {area.capitalize()}",
            "",
            "| name | severity | what must hold, or is so | why | what to do |",
            "|---|---|---|---|---|",
        ]
        for each in explanations:
            lines.append(f"| `{each.name}` | {each.severity} | {each.title} | {each.why} | {each.remedy} |")
    lines += [
        "",
        "## Exit codes",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| {code} | {text} |" for code, text in EXIT_CODES.items()),
    ]
    return "\n".join(lines) + "\n"


def expected(case: Path, work: Path) -> dict[str, bytes]:
    """Return the generated files of a case, made in `work`; of `bases/` only what is not as the built-in
    catalog has it.
    """
    for name in ("fleet.yaml", "clusters", "catalog"):
        source = case / name
        if source.exists():
            (shutil.copytree if source.is_dir() else shutil.copy)(source, work / name)
    builtin = {f"bases/{path.removeprefix('features/')}": data for path, data in read_catalog().items()}
    generate(work)
    paths = [path for folder in ROOTS for path in sorted((work / folder).rglob("*")) if path.is_file()]
    made = {path.relative_to(work).as_posix(): path.read_bytes() for path in paths}
    same = {
        path
        for path, data in made.items()
        if path.startswith("bases/") and (builtin.get(path) == data or path.endswith(f"/{MANIFEST}"))
    }
    return {path: data for path, data in made.items() if path not in same}


def write_screens() -> None:
    """Rewrite the whole outputs of commands."""
    import tempfile

    shutil.rmtree(screens.FOLDER, ignore_errors=True)
    screens.FOLDER.mkdir()

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        screens.committed_fleet(work / "committed")
        texts = {}

        for name in screens.SCREENS:
            (work / name).mkdir()
            texts[name] = screens.screen(name, work / "committed", work / name)

        (work / "release").mkdir()
        texts |= screens.release_screens(work / "release")

    for name, text in texts.items():
        (screens.FOLDER / f"{name}.txt").write_text(text)


def main() -> None:
    """Rewrite everything that is compared."""
    import tempfile

    # First, because what is generated depends on it.
    SCOPES.write_text(scopes())
    write_screens()

    with tempfile.TemporaryDirectory() as folder:
        clone(Path(folder))
        (ROOT / "README.md").write_text(readme((ROOT / "README.md").read_text(), Path(folder)))
        text, diff = one_more_line((ROOT / "docs/okd-streams.md").read_text(), Path(folder))
        (ROOT / "docs/okd-streams.md").write_text(text)
        (ROOT / "tests/acceptance/okd-5.0.diff").write_text(diff)
    (ROOT / "docs/reference.md").write_text(reference())
    for kind in KINDS:
        (ROOT / f"schemas/{kind}.schema.json").write_text(
            schema(kind, load_catalog(read_catalog()), known_names(ROOT))
        )
    shutil.rmtree(PULLS, ignore_errors=True)
    PULLS.mkdir()
    for name, text in pulls.golden().items():
        (PULLS / name).write_text(text)
    changes.write()
    rule_outputs.write()
    for case in sorted(CASES.iterdir()):
        shutil.rmtree(case / "expected", ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            for path, data in expected(case, Path(folder)).items():
                (case / "expected" / path).parent.mkdir(parents=True, exist_ok=True)
                (case / "expected" / path).write_bytes(data)


if __name__ == "__main__":
    main()
