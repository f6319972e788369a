"""Kubernetes objects as written: the fields that are honoured, and what every object has."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GATEWAY_GROUP = "gateway.networking.k8s.io"
"""API group of the Gateway API."""
DOMAIN = "triplegate.dev"
"""Begin of our annotations and of our controller's name."""

T = TypeVar("T")
Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A list of a manifest."""
Port = Annotated[int, Field(ge=1, le=65535)]


class Part(BaseModel):
    """A piece of a manifest: camelCase names, exact types; what is not a field here is named as not honoured."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class Meta(BaseModel):
    """What metadata says that matters here; the rest of it is the cluster's own book-keeping."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, alias_generator=to_camel)

    name: Annotated[str, Field(min_length=1, max_length=253)]
    namespace: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")] = (
        "default"
    )
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    generation: int = 0
    creation_timestamp: str | None = None

    @property
    def created(self) -> datetime | None:
        """When the cluster made the object; None where nothing readable says so."""
        try:
            found = datetime.fromisoformat(self.creation_timestamp or "")
        except ValueError:
            return None
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class Object(Part):
    """One manifest."""

    exact: ClassVar[bool] = False
    """A field that is not known refuses the object: without it, it would allow more than it says."""
    api_version: str
    kind: str
    metadata: Meta
    status: Any = None

    @property
    def name(self) -> str:
        """Its name within its namespace."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """The namespace it lives in."""
        return self.metadata.namespace

    @property
    def full_name(self) -> str:
        """namespace/name, which is how objects of equal age are ordered too."""
        return f"{self.namespace}/{self.name}"

    def annotation(self, name: str) -> str | None:
        """The value of one of our annotations."""
        return (self.metadata.annotations or {}).get(f"{DOMAIN}/{name}")

    @property
    def age(self) -> tuple[float, str]:
        """Oldest first, then by name: who wins where two say the same."""
        created = self.metadata.created
        return (created.timestamp() if created is not None else float("inf"), self.full_name)


class LocalRef(Part):
    """An object of the same namespace."""

    group: str = ""
    kind: str
    name: str


class NamespaceSpec(Part):
    """Nothing that matters here."""


class NamespaceObject(Object):
    """A namespace, for its labels."""

    spec: NamespaceSpec = NamespaceSpec()

    @property
    def labels(self) -> dict[str, str]:
        """Its labels, with the one that every namespace has."""
        return {**(self.metadata.labels or {}), "kubernetes.io/metadata.name": self.name}


class ServicePort(Part):
    """A port of a service."""

    name: str = ""
    port: Port
    target_port: int | str | None = None
    protocol: str = "TCP"
    app_protocol: str | None = None


class ServiceSpec(Part):
    """What a service is."""

    type: str = "ClusterIP"
    cluster_ip: str | None = Field(default=None, alias="clusterIP")
    ports: Many[ServicePort] = ()


class ServiceObject(Object):
    """A service: ports by name and number."""

    spec: ServiceSpec = ServiceSpec()


class SlicePort(Part):
    """A port that all endpoints of a slice have."""

    name: str | None = ""
    port: Port | None = None
    protocol: str | None = "TCP"


class EndpointConditions(Part):
    """Whether an endpoint takes calls."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class SliceEndpoint(Part):
    """One backend: its addresses are alternatives."""

    addresses: Annotated[Many[str], Field(min_length=1)]
    conditions: EndpointConditions = EndpointConditions()

    @property
    def ready(self) -> bool:
        """Not said counts as ready."""
        return self.conditions.ready is not False


class EndpointSliceObject(Object):
    """Addresses of a service, maintained by the cluster."""

    address_type: str
    ports: Many[SlicePort] | None = None
    endpoints: Many[SliceEndpoint] | None = None

    @property
    def service(self) -> str | None:
        """The service it belongs to."""
        return (self.metadata.labels or {}).get("kubernetes.io/service-name")


class SecretObject(Object):
    """A secret, for its certificate and key; values are never printed."""

    type: str = "Opaque"
    data: dict[str, str] = Field(default_factory=dict, repr=False)
    string_data: dict[str, str] = Field(default_factory=dict, repr=False)


class ConfigMapObject(Object):
    """A config map, for the certificates of authorities."""

    data: dict[str, str] = Field(default_factory=dict)
