"""Small repositories that others could have written: objects, and what a check says of them.

Forms of Applications, ApplicationSets and Kustomizations: argo-cd v3.3 (pkg/apis/application/v1alpha1) and
fluxcd/kustomize-controller v1.6 (api/v1).
"""

from datetime import date
from pathlib import Path

from conftest import CACHE
from kustomizations import write
from okd_gitops.check.foreign import check_foreign
from okd_gitops.check.outcome import Report

URL = "https://git.example.org/shop.git"
CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {a: b}\n"
NAMESPACE = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
DEPLOYMENT = b"""apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: registry.example.org/web:1}]
      volumes: [{name: a, configMap: {name: web, defaultMode: 0644}}]
"""


def application(path: str, extra: str = "") -> bytes:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  project: default
  source: {{repoURL: {URL}, path: {path}{extra}}}
  destination: {{name: in-cluster, namespace: shop}}
""".encode()


def application_set(pattern: str) -> bytes:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: all, namespace: argocd}}
spec:
  generators: [{{git: {{repoURL: {URL}, revision: HEAD, directories: [{{path: {pattern}}}]}}}}]
  template:
    metadata: {{name: '{{{{path.basename}}}}'}}
    spec:
      project: default
      source: {{repoURL: {URL}, targetRevision: HEAD, path: '{{{{path}}}}'}}
      destination: {{name: in-cluster, namespace: shop}}
""".encode()


def flux(name: str, path: str, more: str = "") -> bytes:
    return f"""apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec: {{path: {path}, prune: true, interval: 1m, sourceRef: {{kind: GitRepository, name: shop}}{more}}}
""".encode()


SOURCE = f"""---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: shop, namespace: flux-system}}
spec: {{url: '{URL}', interval: 1m}}
""".encode()
SEALED = b"""apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
stringData: {password: "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]"}
sops: {version: 3.9.0, mac: "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]"}
"""
PART = b"""apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches: [{target: {kind: ConfigMap, name: web}, patch: '- {op: add, path: /data/c, value: d}'}]
"""
BINDING = b"""apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reads, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reads}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: a}]
"""
# In the form of kubernetes-sigs/gateway-api v1.3, apis/v1/gateway_types.go.
ROUTE = b"""apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec: {gatewayClassName: a, listeners: %s}
"""


def judged(folder: Path, files: dict[str, bytes]) -> Report:
    write(folder, files)
    return check_foreign(folder, CACHE, kubernetes="1.35", today=date(2026, 1, 31), say=lambda _: None)
