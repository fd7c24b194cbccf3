"""One cluster of each environment with every feature that it can have: what holds for all that is generated is looked at on these three."""

from typing import Any

from okd_gitops.disk import read_catalog
from okd_gitops.feature import load_catalog
from rendered import objects

CATALOG = load_catalog(read_catalog())
_DIGEST = "sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
_RELEASE, _IMAGE = f"registry.example.org/release@{_DIGEST}", f"registry.example.org/image@{_DIGEST}"
# What has to be said on okd; a feature that is not here says nothing. Elsewhere, what the environment has no place for is left out.
_SAID = {
    "bare-metal": {"pools": "[{pool: worker, kernel-arguments: [console=ttyS1]}]"},
    "hpc": {"kernel-arguments": "[hugepages=32]", "reserved-cpus": "0-1"},
    "multi-arch": {
        "image": _IMAGE,
        "architectures": "amd64,arm64",
        "builds": '[{minor: "4.22", stream: next, schedule: 30 2 * * *}]',
    },
    "notify": {"matrix-endpoint": "https://matrix.org", "matrix-room": '"!x:example.org"'},
    "openstack": {"volumes": "[{name: fast, type: nvme}]"},
    "operator-pipeline": {
        "version": '"4.22"',
        "tools-image": _IMAGE,
        "components": '[{name: odf, kind: operator, repository: "https://github.com/example/odf.git", ref: main}]',
    },
    "operator-triggers": {
        "sources": "[{name: odf, component: odf, kind: operator, repository: example/odf, branch: main, schedule: 20 * * * *}]",
    },
    "os-layer": {
        "images": f'[{{pool: worker, image: "{_IMAGE}", built-on: "{_RELEASE}"}}]',
        "builds": '[{pool: infra, push-to: "registry.example.org/x:y", containerfile: "FROM configs AS final\\nRUN ostree container commit\\n"}]',
        "extensions": "[{pool: master, extensions: [usbguard]}]",
    },
    "pruning": {"namespaces": "[{namespace: okd-layer, keep: 5, schedule: 15 3 * * *}]"},
    "release-pipeline": {
        "instances": "[{name: next, source-stream: 4.22.0-0.okd-scos-nightly, target-stream: 4-scos-next, schedule: 0 5 * * 1}]",
    },
    "release-watch": {"image": _IMAGE},
    "scos-pipeline": {
        "releases": '[{minor: "4.18", stream: stable, schedule: 30 6 * * *}, {minor: "4.22", stream: next, schedule: 30 14 * * *}]',
    },
    "scos-triggers": {"sources": '[{minor: "4.22", stream: next, schedule: 40 * * * *}]'},
    "upgrade-evidence": {"image": _IMAGE},
    "secrets": {"prefix": "okd/x", "vault": '[{name: vault, server: "https://vault.example.org:8200", role: okd-x}]'},
}
_NOWHERE_TO_GO = {
    ("kubernetes", "bare-metal"): {"pools"},
    ("kind", "multi-arch"): {"image", "architectures", "builds"},
    ("kind", "operator-pipeline"): {"version", "tools-image", "components"},
    ("kind", "release-pipeline"): {"instances"},
    ("kind", "scos-pipeline"): {"releases"},
}
# Only for clusters that are never updated again, see GR023: what it holds is looked at in the tests of the variants.
_NOT_HERE = {"feature-set"}


def features(environment: str) -> str:
    """Return what stands below `features:` of a cluster file that has all of them."""
    lines = []
    for name, feature in sorted(CATALOG.features.items()):
        if environment in feature.spec.environments and name not in _NOT_HERE:
            left_out = _NOWHERE_TO_GO.get((environment, name), set())
            lines += [f"  {name}:", *(f"    {key}: {value}" for key, value in _SAID.get(name, {}).items() if key not in left_out)]
    return "".join(f"{line}\n" for line in lines)


def everything(environment: str) -> tuple[dict[str, Any], ...]:
    """Return what such a cluster renders to."""
    return objects(environment, features(environment))
