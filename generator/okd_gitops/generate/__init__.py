"""From the fleet to bases/, overlays/ and argocd/."""
