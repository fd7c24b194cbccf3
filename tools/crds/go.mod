// The modules whose CRDs become schemas, and those whose Go types say which kinds have no namespace. Only their files are used: tools/modules.py compares each download with go.sum.
module github.com/okd-project/okd-gitops/tools/crds

go 1.24.0

require (
	github.com/argoproj-labs/argocd-operator v0.18.0
	github.com/argoproj/argo-cd/v3 v3.3.9
	github.com/external-secrets/external-secrets v1.3.2
	github.com/openshift/api v0.0.0-20251015095338-264e80a2b6e7
	github.com/openshift/hypershift v0.1.80
	github.com/operator-framework/api v0.37.0
	github.com/tektoncd/operator v0.77.0
	github.com/tektoncd/pipeline v1.6.0
	k8s.io/api v0.37.1
	k8s.io/apiextensions-apiserver v0.37.1
	k8s.io/kube-aggregator v0.37.1
)
