"""Builds of scos-pipeline in a real S3 server: what one run uploads is what the next one starts from."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from steps import catalog, program, run_step

TASKS = catalog("scos-pipeline")
BUCKET, STREAM = "okd-scos", "next"
KEYS = {"aws_access_key_id": "key-of-the-secret", "aws_secret_access_key": "s3cret"}
BUILD = {"buildid": "9.9.20261128-0", "images": {"ostree": {"path": "os.ociarchive", "sha256": "0" * 64}}}
# The policy of docs/building.md.
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
    ],
}
# What `cosa buildupload s3` and `cosa buildfetch` of coreos-assembler do with S3 (05db482e,
# src/cmd-buildupload and src/cosalib/s3.py, read 2026-11-28): the client is boto3's, the endpoint of the
# upload is an argument, and everything else comes from the environment. `cosa build` builds nothing new on
# the build that was fetched.
COSA = f"""\
#!{sys.executable} -I
import boto3, pathlib, sys
from botocore.exceptions import ClientError
command = sys.argv[1]
options = dict(word[2:].split("=", 1) for word in sys.argv if word.startswith("--") and "=" in word)
builds = pathlib.Path("builds")
if command == "buildupload":
    bucket, prefix = sys.argv[-1].split("/", 1)
    client = boto3.client("s3", endpoint_url=options["endpoint-url"])
    for path in sorted(each for each in builds.rglob("*") if each.is_file()):
        key = f"{{prefix}}/{{path.relative_to(builds)}}"
        client.upload_file(str(path), bucket, key, ExtraArgs={{"ACL": options["acl"]}})
elif command == "buildfetch":
    bucket, prefix = options["url"].removeprefix("s3://").split("/", 1)
    client = boto3.client("s3")
    try:
        client.head_object(Bucket=bucket, Key=f"{{prefix}}/builds.json")
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        print("No builds.json found")
        sys.exit()
    for each in client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        path = builds / each["Key"].removeprefix(f"{{prefix}}/")
        if path.suffix == ".json" or options.get("artifact") == "ostree":
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, each["Key"], str(path))
elif command == "build":
    sys.exit(0 if (builds / "builds.json").exists() else 42)
elif command == "basearch":
    print("x86_64")
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Serve S3 on loopback, and give its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    yield f"http://{address}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint: str) -> Any:
    """An empty service, and a client of it."""
    urllib3.request("POST", f"{endpoint}/moto-api/reset")
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **KEYS)


class Run:
    """The folder of one run: its workspace, its Secret, and the values that its tasks hand on."""

    def __init__(self, folder: Path, endpoint: str, region: str = "") -> None:
        self.folder, self.region = folder, region
        self.coreos, self.secret = folder / "srv/coreos", folder / "secret"
        for each in (self.coreos, self.secret):
            each.mkdir(parents=True)
        lines = "".join(f"{name} = {value}\n" for name, value in KEYS.items())
        (self.secret / "credentials").write_text(f"[default]\n{lines}")
        program(folder, "cosa", COSA)
        # As the Task cosa-init derives them from the parameters s3-bucket and s3-endpoint-url.
        self.place, self.endpoint = f"{BUCKET}/{STREAM}/builds", endpoint

    def task(self, name: str, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the step of a Task."""
        (step,) = TASKS[f"Task/{name}"]["spec"]["steps"]
        values = {
            "WORKSPACE": str(self.folder / "srv"),
            "S3_CREDENTIALS": str(self.secret),
            "BUILDS_URL": self.place,
            "ENDPOINT_URL": self.endpoint,
            "S3_REGION": self.region,
        }
        return run_step(step, self.folder, **{**values, **given})

    def built(self) -> None:
        """Write what `cosa build` leaves: one build with one image."""
        folder = self.coreos / "builds/9.9.20261128-0/x86_64"
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(json.dumps(BUILD))
        (folder / "os.ociarchive").write_text("the image")
        (self.coreos / "builds/latest").symlink_to("9.9.20261128-0")
        (self.coreos / "builds/builds.json").write_text(json.dumps({"builds": [{"id": BUILD["buildid"]}]}))


@pytest.mark.parametrize("region", ["", "us-east-1"])
def test_a_run_starts_from_the_builds_that_the_one_before_it_uploaded(
    tmp_path: Path, client: Any, endpoint: str, region: str
) -> None:
    client.create_bucket(Bucket=BUCKET)
    first = Run(tmp_path / "first", endpoint, region)
    first.built()
    uploaded = first.task("cosa-upload-s3")
    assert uploaded.returncode == 0, uploaded.stderr
    # release.json names its images below ENDPOINT/BUCKET/STREAM/builds; the policy of the bucket opens them.
    address = f"{endpoint}/{first.place}/9.9.20261128-0/x86_64/os.ociarchive"
    assert urllib3.request("GET", address).status == 403
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(PUBLIC))
    image = urllib3.request("GET", address)
    assert (image.status, image.data) == (200, b"the image")

    second = Run(tmp_path / "second", endpoint, region)
    (second.coreos / "builds/9.9.20261128-0").mkdir(parents=True)
    (second.coreos / "builds/latest").symlink_to("9.9.20261128-0")
    based = second.task("base-build")
    assert based.returncode == 0, based.stderr
    assert (second.folder / "RESULT_CHANGED").read_text() == "false"
    archive = (second.folder / "RESULT_ARCHIVE").read_text()
    assert (second.folder / "srv" / archive).read_text() == "the image"
    for done in (uploaded, based):
        assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize("task", ["cosa-build-baseos", "base-build"])
def test_the_first_run_finds_an_empty_bucket_and_builds(
    tmp_path: Path, client: Any, endpoint: str, task: str
) -> None:
    client.create_bucket(Bucket=BUCKET)
    done = Run(tmp_path / "run", endpoint).task(task)
    assert "No builds.json found\n" in done.stdout
    assert done.returncode == 42, "the build itself has begun"


def test_a_bucket_that_is_not_there_stops_the_upload(tmp_path: Path, client: Any, endpoint: str) -> None:
    run = Run(tmp_path / "run", endpoint)
    run.built()
    done = run.task("cosa-upload-s3")
    assert done.returncode != 0
    assert "NoSuchBucket" in done.stderr


def test_a_secret_without_keys_stops_the_upload(tmp_path: Path, client: Any, endpoint: str) -> None:
    client.create_bucket(Bucket=BUCKET)
    run = Run(tmp_path / "run", endpoint)
    run.built()
    (run.secret / "credentials").write_text("[other]\n")
    done = run.task("cosa-upload-s3", AWS_EC2_METADATA_DISABLED="true")
    assert done.returncode != 0
    assert "Unable to locate credentials" in done.stderr
    assert "Contents" not in client.list_objects_v2(Bucket=BUCKET)
