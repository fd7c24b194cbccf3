"""A cluster file with a provider, and what fleet.yaml needs for it."""

SETTINGS = """\
providers:
  hive-openstack:
    baseDomain: massopen.cloud
    cloud: moc
    externalNetwork: external
    longest: 3d
    controlPlane: {flavor: m1.xlarge}
    workers: {flavor: m1.large, replicas: 2}
    credentials: {store: ephemeral, path: okd/ephemeral}
"""
HYPERSHIFT = """\
  hypershift-agent:
    baseDomain: massopen.cloud
    longest: 3d
    nodeAddress: 10.0.0.5
    storageClass: ssd
    sshKey: true
    workers: {replicas: 2, labels: {size: large}}
    credentials: {store: ephemeral, path: okd/ephemeral}
"""
FLEET = SETTINGS + SETTINGS.partition("\n")[2].replace("hive-openstack", "hive-fake") + HYPERSHIFT
DIGEST = "4b930ee653c7e7671cf2d69e50a1898330556a09ac58b255fbe4b8addd53b290"
TRIAL = f"""\
purpose: ephemeral
provider: hive-openstack
addresses: {{api: 128.31.20.7, ingress: 128.31.20.8}}
expires: 2026-12-04
release:
  stream: 4-scos-stable
  channel: stable-scos-4
  version: 4.21.0-okd-scos.11
  image: registry.ci.openshift.org/origin/release-scos@sha256:{DIGEST}
"""
GUEST = "".join(line for line in TRIAL.splitlines(keepends=True) if "addresses" not in line).replace(
    "hive-openstack", "hypershift-agent"
)
