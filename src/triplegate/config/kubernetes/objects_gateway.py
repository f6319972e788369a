"""Kubernetes objects about where calls come in and who may refer to whom: gateways, grants, TLS to backends."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from triplegate.config.kubernetes.objects import GATEWAY_GROUP, LocalRef, Many, Object, Part, Port

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
Hostname = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^(\*\.)?{_LABEL}(\.{_LABEL})*$")]
"""A host name, or *.example.com."""
PreciseHostname = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})*$")]
"""A host name without wildcard."""
SectionName = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})*$")]
"""The name of a listener, a rule or a port."""


class ParametersRef(LocalRef):
    """Parameters of an implementation."""

    namespace: str | None = None


class GatewayClassSpec(Part):
    """Whose class it is."""

    controller_name: str
    description: str | None = None
    parameters_ref: ParametersRef | None = None


class GatewayClassObject(Object):
    """A kind of gateway; ours when its controller is triplegate.dev/gateway."""

    spec: GatewayClassSpec


class SecretRef(Part):
    """A secret, perhaps of another namespace."""

    group: str = ""
    kind: str = "Secret"
    name: str
    namespace: str | None = None


class ListenerTls(Part):
    """How a listener ends TLS."""

    mode: Literal["Terminate", "Passthrough"] = "Terminate"
    certificate_refs: Many[SecretRef] = ()


class Requirement(Part):
    """One line of a selector."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Many[str] | None = None

    def fits(self, labels: dict[str, str]) -> bool:
        """Whether the labels are as required."""
        value = labels.get(self.key)
        values: tuple[str, ...] = self.values or ()
        if self.operator == "In":
            return value in values
        if self.operator == "NotIn":
            return value not in values
        return (value is not None) == (self.operator == "Exists")


class Selector(Part):
    """Labels that a namespace must have."""

    match_labels: dict[str, str] | None = None
    match_expressions: Many[Requirement] | None = None

    def fits(self, labels: dict[str, str]) -> bool:
        """Whether all of it is true of the labels."""
        equal = all(labels.get(name) == value for name, value in (self.match_labels or {}).items())
        return equal and all(one.fits(labels) for one in self.match_expressions or ())


class RouteNamespaces(Part):
    """Namespaces whose routes may attach."""

    from_: Literal["All", "Same", "Selector", "None"] = Field(default="Same", alias="from")
    selector: Selector | None = None


class RouteKind(Part):
    """A kind of routes that may attach."""

    group: str = GATEWAY_GROUP
    kind: str


class AllowedRoutes(Part):
    """Which routes may attach."""

    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: Many[RouteKind] = ()


class Listener(Part):
    """A port of a gateway, for all hosts or for some."""

    name: SectionName
    hostname: Hostname | Literal[""] | None = None
    port: Port
    protocol: str
    tls: ListenerTls | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()


class Infrastructure(Part):
    """Parameters of the machinery below a gateway, which a process does not have."""

    parameters_ref: LocalRef | None = None


class GatewayAddress(Part):
    """An address that a gateway asks for."""

    type: str = "IPAddress"
    value: str = ""


class GatewayTls(Part):
    """TLS of all listeners."""

    frontend: Any = None
    """Client certificates that are asked for."""


class GatewaySpec(Part):
    """Listeners, and whose they are."""

    gateway_class_name: Annotated[str, Field(min_length=1)]
    listeners: Annotated[Many[Listener], Field(min_length=1, max_length=64)]
    addresses: Many[GatewayAddress] = ()
    infrastructure: Infrastructure | None = None
    tls: GatewayTls = GatewayTls()


class GatewayObject(Object):
    """Where calls come in."""

    spec: GatewaySpec


class GrantFrom(Part):
    """Who may refer."""

    group: str
    kind: str
    namespace: str


class GrantTo(Part):
    """What may be referred to; without a name, all of the kind."""

    group: str
    kind: str
    name: str | None = None


class ReferenceGrantSpec(Part):
    """Any of `from` may refer to any of `to`."""

    from_: Many[GrantFrom] = Field(alias="from")
    to: Many[GrantTo]


class ReferenceGrantObject(Object):
    """Lets objects of other namespaces refer to objects of its own."""

    exact: ClassVar[bool] = True
    spec: ReferenceGrantSpec


class PolicyTarget(Part):
    """The service, or one port of it, that a policy is about."""

    group: str
    kind: str
    name: str
    section_name: str | None = None


class SubjectAltName(Part):
    """A name of which a backend's certificate must bear one."""

    type: Literal["Hostname", "URI"]
    hostname: PreciseHostname | None = None
    uri: Annotated[str, Field(min_length=1, max_length=253)] | None = None

    @property
    def written(self) -> str | None:
        """As services have it; None when the name of its type is missing."""
        if self.type == "Hostname":
            return None if self.hostname is None else f"dns:{self.hostname}"
        return None if self.uri is None else f"uri:{self.uri}"


class BackendValidation(Part):
    """How a backend's certificate is checked."""

    ca_certificate_refs: Many[LocalRef] = ()
    well_known_ca_certificates: str | None = Field(default=None, alias="wellKnownCACertificates")
    hostname: PreciseHostname
    subject_alt_names: Annotated[Many[SubjectAltName], Field(max_length=5)] = ()


class BackendTlsPolicySpec(Part):
    """TLS towards backends."""

    target_refs: Annotated[Many[PolicyTarget], Field(min_length=1)]
    validation: BackendValidation


class BackendTlsPolicyObject(Object):
    """Says that a service is reached by TLS, and how its certificate is checked."""

    exact: ClassVar[bool] = True
    spec: BackendTlsPolicySpec
