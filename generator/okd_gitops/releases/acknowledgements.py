"""Where a cluster reads the acknowledgements of its administrators.

Read in openshift/cluster-version-operator, pkg/internal/constants.go and pkg/cvo/upgradeable.go: the gates
are in openshift-config-managed, the answers in openshift-config, and each answer is the text "true".
"""

NAMESPACE = "openshift-config"
NAME = "admin-acks"
PREFIX = "ack-"
GIVEN = "true"
