"""notify: the rendered Task; its script runs with the real bash and jq and a stub for curl."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from okd_gitops.finding import FindingsError
from programs import program
from rendered import invalid, objects, of_kind
from script_checks import shellchecked

FEATURES = Path(__file__).resolve().parents[2] / "generator/okd_gitops/catalog/features"
MATRIX = '    matrix-endpoint: https://matrix.example.org\n    matrix-room: "!abc:example.org"\n'
WEBHOOK = "    webhook-url: https://chat.example.org/hooks/okd\n"
SECRET, MESSAGE = "s3cr3t", 'run "x" $(id): Failed\n`date` {"a": 1} \\'
# Writes down its arguments, then the headers that it reads from files, then the body.
CURL = """\
printf '%s\\n' "$*" >>"LOG.arguments"
while (($#)); do
  if [[ "$1" == --header && "$2" == @* ]]; then cat "${2#@}" >>"LOG.headers"; fi
  if [[ "$1" == https://* ]]; then url="$1"; fi
  shift
done
cat >>"LOG.body"
[[ "${url}" != *FAIL* ]]
"""


def task(features: str = MATRIX + WEBHOOK, environment: str = "kubernetes") -> dict[str, Any]:
    return of_kind(objects(environment, f"  tekton:\n  notify:\n{features}"), "Task")["notify"]


def defaults(value: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item.get("default") for item in value["spec"]["params"]}


def run(
    root: Path, fail: str = "FAIL", tokens: tuple[str, ...] = ("matrix-token", "webhook-token"), **values: str
) -> subprocess.CompletedProcess[str]:
    (root / "curl").write_text(
        f"#!/usr/bin/env bash\n{CURL.replace('LOG', str(root / 'log')).replace('FAIL', fail)}"
    )
    (root / "curl").chmod(0o755)
    (root / "credentials").mkdir()
    for name in tokens:
        (root / "credentials" / name).write_text(SECRET)
    (step,) = task()["spec"]["steps"]
    given = {
        "MATRIX_ENDPOINT": "https://matrix.example.org/",
        "MATRIX_ROOM": "!abc:example.org",
        "WEBHOOK_URL": "https://chat.example.org/hooks/okd",
    }
    env = (
        {item["name"]: "" for item in step["env"]}
        | given
        | {"CREDENTIALS": str(root / "credentials"), "MESSAGE": MESSAGE, "TRANSACTION": "uid"}
    )
    assert program("jq")
    path = f"{root}:/usr/bin:/bin"
    return subprocess.run(
        [program("bash"), "-c", step["script"]],
        env={**env, "PATH": path, **values},
        capture_output=True,
        text=True,
        check=False,
    )


def bodies(root: Path) -> list[Any]:
    text, found, decoder = (root / "log.body").read_text(), [], json.JSONDecoder()
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        found.append(value)
        text = text.lstrip()[end:]
    return found


def test_the_token_is_read_from_a_file_and_sent_in_a_header_only(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log.headers").read_text() == f"Authorization: Bearer {SECRET}\n" * 2
    assert SECRET not in (tmp_path / "log.arguments").read_text() + done.stdout + done.stderr
    spec = task()["spec"]
    assert "results" not in spec
    assert not [item for step in spec["steps"] for item in step["env"] if "valueFrom" in item]
    assert {item["name"] for item in spec["workspaces"]} == {"credentials"}


def test_any_message_arrives_unchanged(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 0
    assert bodies(tmp_path) == [
        {"msgtype": "m.notice", "body": MESSAGE, "m.mentions": {}},
        {"text": MESSAGE},
    ]
    matrix, webhook = (tmp_path / "log.arguments").read_text().splitlines()
    # jq leaves or escapes the "!", as its version does.
    path = matrix.replace("%21", "!").partition("https://matrix.example.org")[2]
    assert path == "/_matrix/client/v3/rooms/!abc%3Aexample.org/send/m.room.message/uid"
    assert webhook.endswith("--request POST https://chat.example.org/hooks/okd")
    for line in (matrix, webhook):
        assert line.startswith(
            "--fail-with-body --silent --show-error --max-time 60 --retry 3 --proto =https"
        )


@pytest.mark.parametrize(
    "text",
    [
        "@all", "@channel x", "by @here", "@room", "<!channel>", "<!subteam^S012>", "<@U0123>", "a@b.example",
        "![x](https://example.org/x.png)", '<img src="https://example.org/x.png">', "@sha256x@all",
    ],
)  # fmt: skip
def test_a_text_mentions_nobody_and_loads_no_image(text: str, tmp_path: Path) -> None:
    # Mattermost: @all, @channel, @here. Slack: <!channel>, <!here>, <!subteam^ID>, <@ID>. Matrix: m.mentions.
    assert run(tmp_path, MESSAGE=text).returncode == 0
    matrix, webhook = bodies(tmp_path)

    for sent in (matrix["body"], webhook["text"]):
        assert not re.search(r"@(?!\u200b|sha256:)|[<>]|!\[", sent), sent
        assert sent.replace("\u200b", "").replace("‹", "<").replace("›", ">") == text

    assert matrix["m.mentions"] == {}
    assert "formatted_body" not in matrix


def test_a_digest_can_be_copied_from_a_message(tmp_path: Path) -> None:
    image = "quay.io/okd/scos-release@sha256:" + "a" * 64
    assert run(tmp_path, MESSAGE=image).returncode == 0
    assert [body.get("body") or body.get("text") for body in bodies(tmp_path)] == [image, image]


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    assert run(tmp_path, MESSAGE="ž" * 60000).returncode == 0
    assert [body.get("body") or body.get("text") for body in bodies(tmp_path)] == ["ž" * 3999 + "…"] * 2


def test_a_webhook_without_a_token_gets_no_header(tmp_path: Path) -> None:
    assert run(tmp_path, tokens=(), MATRIX_ROOM="").returncode == 0
    assert (tmp_path / "log.headers").read_text() == ""


@pytest.mark.parametrize("fail", ["matrix", "chat"])
def test_an_unreachable_service_fails_the_task_and_the_other_gets_the_message(
    fail: str, tmp_path: Path
) -> None:
    assert run(tmp_path, fail=fail).returncode == 1
    assert len(bodies(tmp_path)) == 2


@pytest.mark.parametrize(
    ("values", "tokens", "reason", "sent"),
    [
        ({"MATRIX_ROOM": "", "WEBHOOK_URL": ""}, ("matrix-token",), "nobody to tell", 0),
        (
            {"MATRIX_ENDPOINT": "http://matrix.example.org", "WEBHOOK_URL": ""},
            ("matrix-token",),
            "must be https",
            0,
        ),
        ({}, (), "no matrix-token", 1),
    ],
    ids=["nobody", "no TLS", "no token"],
)
def test_a_message_that_cannot_be_sent_fails_the_task(
    values: dict[str, str], tokens: tuple[str, ...], reason: str, sent: int, tmp_path: Path
) -> None:
    done = run(tmp_path, tokens=tokens, **values)
    assert done.returncode == 1
    assert reason in done.stderr
    assert SECRET not in done.stderr
    assert (len(bodies(tmp_path)) if (tmp_path / "log.body").exists() else 0) == sent


def test_the_cluster_file_sets_the_addresses() -> None:
    assert defaults(task("")) == {
        "message": None,
        "matrix-endpoint": "",
        "matrix-room": "",
        "webhook-url": "",
    }
    given = {
        "matrix-endpoint": "https://matrix.example.org",
        "matrix-room": "!abc:example.org",
        "webhook-url": "https://chat.example.org/hooks/okd",
    }
    assert defaults(task()) == {"message": None, **given}
    assert invalid((task(),)) == []
    assert task(environment="okd") == task()


@pytest.mark.parametrize(
    "value",
    [
        "webhook-url: https://x.example.org/?token=s3cr3t",
        "webhook-url: http://x.example.org/",
        "matrix-endpoint: matrix.org",
    ],
)
def test_a_token_in_a_url_is_refused(value: str) -> None:
    with pytest.raises(FindingsError) as error:
        task(f"    {value}\n")
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]


def test_kind_has_it_too_because_pipelines_name_it() -> None:
    """Tekton resolves every Task of a Pipeline before a run, also one that is switched off."""
    assert task("", "kind")["spec"] == task("", "kubernetes")["spec"]


def test_the_keys_match_the_table_of_secrets() -> None:
    table = yaml.safe_load((FEATURES / "notify/feature.yaml").read_text())["secrets"]
    (step,) = task()["spec"]["steps"]
    for key in table["okd-notify"]["keys"]:
        assert f"send {key} " in step["script"]
        assert key in task()["spec"]["workspaces"][0]["description"]


def test_the_script_is_shellcheck_clean() -> None:
    (step,) = task()["spec"]["steps"]
    done = shellchecked(step["script"])
    assert done.returncode == 0, done.stdout
    assert "$(params" not in step["script"]
