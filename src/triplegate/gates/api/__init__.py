"""The api gate: routes with Kubernetes Gateway API semantics to services."""
