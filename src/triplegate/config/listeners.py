"""What the process listens on, as written: data, control and status, and further data listeners by name."""

from ipaddress import ip_address, ip_network
from itertools import combinations
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from triplegate.config.documents_base import Document, as_list
from triplegate.config.types import Name, SecretRef


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a listener on `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def network(value: str) -> str:
    """An address or a network in its one form. Raises ValueError."""
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        raise ValueError("must be an address or a network: 10.0.0.0/8") from None


def _port(value: Any) -> Any:
    if isinstance(value, str) and "://" in value:
        raise ValueError("must be a port number (Kubernetes service links set this: enableServiceLinks: false)")
    return value


Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(_port)]


class Listener(Document):
    """An address to listen on."""

    host: str = "127.0.0.1"
    """Address; 0.0.0.0 for all."""
    port: Port
    """Port; 0 takes a free one."""


class ListenerCertificate(Document):
    """A certificate with its key; the names in it say for whom it is."""

    certificate: str
    """File with the certificate chain (PEM); relative: to the configuration."""
    key: SecretRef
    """Its private key (PEM): file:/path."""

    @field_validator("key")
    @classmethod
    def _file(cls, value: str) -> str:
        if not value.startswith("file:"):
            raise ValueError("the key of a listener is a file: reference")
        return value


class ListenerTls(Document):
    """TLS towards clients."""

    certificates: Annotated[tuple[ListenerCertificate, ...], BeforeValidator(as_list), Field(min_length=1)]
    """One or several, chosen by the name asked for; the first is for whoever asks for no name that we have."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    """Oldest version spoken."""
    client_auth: Literal["none", "optional", "required"] = "none"
    """Whether clients are asked for a certificate of their own, and must have one."""
    client_ca: str | None = None
    """File with the authorities that clients' certificates are from (PEM); relative: to the configuration."""

    @model_validator(mode="after")
    def _whose(self) -> "ListenerTls":
        if (self.client_auth == "none") != (self.client_ca is None):
            raise ValueError("client_auth (optional, required) and client_ca come together")
        return self


class ProxyProtocol(Document):
    """Load balancers that say by the PROXY protocol (version 1 or 2) for whom they connect."""

    trusted: Annotated[tuple[Annotated[str, AfterValidator(network)], ...], Field(min_length=1)]
    """Their networks; each of their connections must begin with a PROXY header, and nobody else may connect."""


class GatesListener(Listener):
    """Where clients call."""

    port: Port = 8080
    """Port; 0 takes a free one."""
    transport: Literal["granian", "loop"] = "granian"
    """What reads the connections: granian, a server with threads of its own; loop: the gateway's own HTTP/1.1."""
    tls: ListenerTls | None = None
    """TLS; plain HTTP without it."""
    proxy_protocol: ProxyProtocol | None = None
    """Load balancers before it that speak the PROXY protocol."""
    http2: bool | None = None
    """HTTP/2 beside HTTP/1.1, agreed on by TLS, or without TLS begun by the client; absent: with TLS only."""
    serves: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = ()
    """Ports of Kubernetes Gateways that this listener stands for."""

    @property
    def speaks_http2(self) -> bool:
        """Whether HTTP/2 is spoken there."""
        return self.tls is not None if self.http2 is None else self.http2

    @property
    def fronted(self) -> bool:
        """Whether something comes before HTTP that the server behind does not know of."""
        return self.tls is not None or self.proxy_protocol is not None or self.speaks_http2


class NamedListener(GatesListener):
    """A further place where clients call."""

    port: Port
    """Port; 0 takes a free one."""


class ControlListener(Listener):
    """Where operators call."""

    port: Port = 8081
    """Port; 0 takes a free one."""


class StatusListener(Listener):
    """/metrics, /livez and /readyz only; may be reachable from outside."""

    port: Port = 8083
    """Port; 0 takes a free one."""


class GrpcTls(Document):
    """TLS towards gRPC clients; files that change are read anew at the next connection."""

    certificate: str
    """File with the certificate chain (PEM); relative: to the configuration."""
    key: SecretRef
    """Its private key (PEM): file:/path."""
    client_ca: str | None = None
    """File with the authorities that clients' certificates are from (PEM); written: each client must show one."""

    @field_validator("key")
    @classmethod
    def _file(cls, value: str) -> str:
        if not value.startswith("file:"):
            raise ValueError("the key of a listener is a file: reference")
        return value


class GrpcListener(Listener):
    """Where gRPC clients call; opened only when a route leads to a gRPC service."""

    port: Port = 8082
    """Port; 0 takes a free one."""
    tls: GrpcTls | None = None
    """TLS; plain text without it."""


_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_RESERVED = frozenset({"api", "llm", "mcp"})
"""Names under which the addresses of gates are told."""
_name = TypeAdapter(Name)


class Listeners(Document):
    """What the process listens on; any other name is one more listener for clients, and its port must be written."""

    model_config = ConfigDict(extra="allow")

    data: GatesListener = GatesListener()
    """The three gates."""
    control: ControlListener = ControlListener()
    """Admin API and pages."""
    grpc: GrpcListener = GrpcListener()
    """gRPC clients, once there is a route for them."""
    status: StatusListener | None = None
    """Probes and metrics alone, when they must be reachable from outside."""
    __pydantic_extra__: dict[str, NamedListener] = Field(init=False)

    @model_validator(mode="after")
    def _told_apart(self) -> "Listeners":
        for name in self.named:
            try:
                _name.validate_python(name)
            except ValidationError as error:
                raise ValueError(f"'{name}' cannot be a listener's name: {error.errors()[0]['msg']}") from None
            if name in _RESERVED:
                raise ValueError(f"'{name}' cannot be a listener's name: a gate has it")
        taken: dict[int, str] = {}
        for name, listener in self.gates.items():
            for port in listener.serves:
                if port in taken:
                    raise ValueError(f"listeners '{taken[port]}' and '{name}' both stand for port {port}")
                taken[port] = name
        for (one, a), (other, b) in combinations(self.all.items(), 2):
            if a.port and a.port == b.port and (a.host == b.host or _EVERYWHERE & {a.host, b.host}):
                raise ValueError(f"listeners '{one}' and '{other}' both ask for port {a.port}")
        return self

    @property
    def all(self) -> dict[str, Listener]:
        """Every listener that is always open, by name; that for gRPC waits for its first route."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "grpc"}
        return {name: one for name, one in own.items() if one is not None} | self.named

    @property
    def named(self) -> dict[str, NamedListener]:
        """The further listeners for clients, by name."""
        return self.__pydantic_extra__

    @property
    def gates(self) -> dict[str, GatesListener]:
        """Every listener for clients, by name: `data` first."""
        return {"data": self.data, **self.named}
