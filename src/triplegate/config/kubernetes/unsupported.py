"""Fields of the Gateway API and of services that are read and not honoured, each with the reason that is printed."""

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """Why a field does nothing here."""

    text: str
    warns: bool = True
    """False: it is for the cluster's own machinery; it is named by `check --status`, and no warning."""


_CLUSTER = Reason("for the cluster's own network, which this gateway does not run", warns=False)
_SESSION = Reason("calls are not kept at one backend by cookie or header; a policy can do so")
_EXTERNAL = Reason("external authorisation is not asked; use identity and access policies")
_OPTIONS = Reason("options are named by implementations, and this one has none")
_ROUTE = {
    "spec.useDefaultGateways": Reason("a route names its gateways: there is no default one"),
    "spec.rules.sessionPersistence": _SESSION,
    "spec.rules.filters.externalAuth": _EXTERNAL,
    "spec.rules.backendRefs.filters.externalAuth": _EXTERNAL,
}
UNSUPPORTED: dict[str, dict[str, Reason]] = {
    "Gateway": {
        "spec.defaultScope": Reason("a route names its gateways: there is no default one"),
        "spec.allowedListeners": Reason("ListenerSet is not read: listeners stand on the gateway"),
        "spec.tls.backend": Reason("a certificate of ours towards backends is set on native services: tls.certificate"),
        "spec.infrastructure.labels": Reason("nothing is created in a cluster that could be labelled", warns=False),
        "spec.infrastructure.annotations": Reason("nothing is created in a cluster to annotate", warns=False),
        "spec.listeners.tls.options": _OPTIONS,
    },
    "HTTPRoute": {**_ROUTE},
    "GRPCRoute": {name: reason for name, reason in _ROUTE.items() if "externalAuth" not in name},
    "BackendTLSPolicy": {"spec.options": _OPTIONS},
    "GatewayClass": {},
    "ReferenceGrant": {},
    "Namespace": {"spec.finalizers": _CLUSTER},
    "Secret": {"immutable": _CLUSTER},
    "ConfigMap": {"immutable": _CLUSTER, "binaryData": Reason("certificates are text: data")},
    "Service": {
        **{
            f"spec.{name}": _CLUSTER
            for name in (
                "selector",
                "clusterIPs",
                "ipFamilies",
                "ipFamilyPolicy",
                "externalIPs",
                "externalTrafficPolicy",
                "internalTrafficPolicy",
                "healthCheckNodePort",
                "loadBalancerIP",
                "loadBalancerSourceRanges",
                "loadBalancerClass",
                "allocateLoadBalancerNodePorts",
                "publishNotReadyAddresses",
                "trafficDistribution",
                "ports.nodePort",
            )
        },
        "spec.externalName": Reason("a name outside the cluster is no backend: write a native service"),
        "spec.sessionAffinity": _SESSION,
        "spec.sessionAffinityConfig": _SESSION,
    },
    "EndpointSlice": {
        "ports.appProtocol": Reason("the port of the service says what it speaks", warns=False),
        "endpoints.hostname": _CLUSTER,
        "endpoints.nodeName": Reason("endpoints are not told apart by node", warns=False),
        "endpoints.zone": Reason("endpoints are not told apart by zone", warns=False),
        "endpoints.hints": Reason("endpoints are not told apart by zone or node", warns=False),
        "endpoints.targetRef": _CLUSTER,
        "endpoints.deprecatedTopology": _CLUSTER,
    },
}
"""Kind → path of the field, list indexes left out → why; what lies below such a field is not looked at."""


def reason_for(kind: str, path: str) -> Reason | None:
    """Why the field at `path`, or one around it, is not honoured; None when no such field is known."""
    known = UNSUPPORTED.get(kind, {})
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        found = known.get(".".join(parts[:end]))
        if found is not None:
            return found
    return None
