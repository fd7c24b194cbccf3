"""A catalog of two features and the four purposes, small enough to read beside a test."""

CATALOG = {
    "features/build/feature.yaml": """\
summary: Builds things.
requires: [tools]
environments: {okd: [common, line], kind: [common]}
namespaces:
  build: {labels: {a: b}}
parameters:
  mode:
    summary: The mode.
    default: slow
    enum: [slow, fast]
    sets: [{object: ConfigMap/build, path: data.mode}]
  region: {summary: The region., sets: [{object: CronJob/build, path: spec.region}]}
  channel:
    summary: The channel.
    optional: true
    from: release.channel
    sets: [{object: ConfigMap/build, path: data.channel}]
each:
  lines:
    summary: Release lines.
    part: line
    key: minor
    fields:
      minor:
        summary: Minor.
        type: minor
        sets: [{object: CronJob/build, path: "spec.env[name=MINOR].value"}]
      branch: {summary: Branch., sets: [{object: CronJob/build, path: "spec.env[name=BRANCH].value"}]}
    derive:
    - {keys: ["4.18"], set: {branch: "old-{key}"}}
    - {since: "4.20", set: {branch: "release-{key}"}}
""",
    "features/build/common/configmap-build.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: build, namespace: build}\ndata: {mode: slow}\n"
    ),
    "features/build/line/cronjob-build.yaml": """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: build, namespace: build}
spec: {env: [{name: MINOR, value: "4.20"}, {name: BRANCH, value: release-4.20}]}
""",
    "features/tools/feature.yaml": "summary: Tools.\nenvironments: {okd: [p], kind: [p]}\n",
    "features/tools/p/clusterrole-tools.yaml": (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: tools}\nrules: []\n"
    ),
    **{
        f"purposes/{name}.yaml": f"""\
summary: For {name}.
features: [tools]
wave: {wave}
soak: 1d
takes: [release]
expires: {"required" if name == "ephemeral" else "forbidden"}
guarded: {str(name in ("cd", "hub")).lower()}
sync:
  automated: true
  selfHeal: true
  prune: {str(name == "ephemeral").lower()}
  finalizer: {str(name == "ephemeral").lower()}
"""
        for wave, name in enumerate(["ephemeral", "test", "hub", "cd"])
    },
}
