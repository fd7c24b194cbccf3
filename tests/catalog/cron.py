"""Runs the script of a CronJob that starts a build."""

import subprocess
from pathlib import Path
from typing import Any

CURL = """\
#!/bin/sh
case "$*" in
*--data*) call=post answer='{"eventListener":"okd-coreos","eventID":"5f0c-77"}' ;;
*) call=list answer="$RUNS" ;;
esac
printf '%s\\n' "$@" > "$FOLDER/$call"
cat > "$FOLDER/$call-input"
printf '%s\\n' "$answer"
exit "$STATUS"
"""


def env(cron: dict[str, Any]) -> dict[str, str]:
    """Return the environment that a CronJob gives its container."""
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item["value"] for item in container.get("env", [])}


def run_cron(
    cron: dict[str, Any], folder: Path, *, runs: str, status: int = 0, secret: str = "okd-coreos-trigger"
) -> int:
    """Run the script of a CronJob with a curl that records its calls, and return the exit code."""
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    script = container["args"][0]
    for path in (f"/var/run/{secret}", "/var/run/secrets/kubernetes.io/serviceaccount"):
        (folder / Path(path).name).mkdir()
        (folder / Path(path).name / "token").write_text(f"s3cret-of-{Path(path).name}")
        script = script.replace(path, str(folder / Path(path).name))

    for name, text in {"curl": CURL, "sleep": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)

    environment = {
        **env(cron),
        "PATH": f"{folder}:/usr/bin:/bin",
        "FOLDER": str(folder),
        "RUNS": runs,
        "STATUS": str(status),
    }
    return subprocess.run([*container["command"], script], env=environment, check=False).returncode
