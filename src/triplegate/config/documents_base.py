"""What all documents share: frozen, no unknown field, chains of policies, and how an upstream is reached."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

from triplegate.config.types import Pause, SecretRef, Worded
from triplegate.core.duration import Duration
from triplegate.core.policy import Policy

Policies = tuple[SerializeAsAny[Policy], ...]
"""A chain as it stands in one place: named chains expanded, each policy placed and labelled."""


class Document(BaseModel):
    """One object of the configuration as written: frozen, an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Timeouts(Document):
    """Longest waits for an upstream; none is infinite."""

    connect: Duration = 1.0
    """Until the connection stands, TLS included."""
    first_byte: Duration = 60.0
    """From the request's last byte to the reply's first."""
    idle: Duration = 60.0
    """Between two pieces of a reply."""
    total: Duration = 600.0
    """From the first attempt's start to the reply's end; of a stream of events to its head."""
    stream: Duration | None = None
    """Longest life of a stream of events (`text/event-stream`); null = as long as it is not silent for `idle`."""


AlternativeName = Annotated[
    str, Worded(r"(?:dns|uri|ip|email):[\x21-\x7e]+", "dns:, uri:, ip: or email: and a name without spaces")
]


def _version(value: Any) -> Any:
    return str(value) if isinstance(value, float) else value


class Tls(Document):
    """How an https upstream is checked and how we show ourselves to it."""

    ca: str | None = None
    """File with the trusted certificates (PEM), or these themselves; the system's when absent."""
    server_name: str | None = None
    """Name to ask for and to check, when it is not the address's host."""
    certificate: str | None = None
    """File with our own certificate chain (PEM)."""
    key: SecretRef | None = None
    """Our private key (PEM): file:/path."""
    san: Annotated[tuple[AlternativeName, ...], Field(max_length=64)] = ()
    """Names of which the certificate must bear one, instead of the host's: `dns:…`, `uri:spiffe://…`, `ip:…`,
    `email:…`."""
    min_version: Annotated[
        Literal["1.2", "1.3"], BeforeValidator(_version, json_schema_input_type=Literal["1.2", "1.3"] | float)
    ] = "1.2"
    """Oldest version of TLS that is spoken."""
    verify: bool = True
    """Certificates are always checked; written for those who look for it."""

    @model_validator(mode="after")
    def _pair(self) -> "Tls":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key come together")
        if self.key is not None and not self.key.startswith("file:"):
            raise ValueError("tls: the key is a file: reference")
        if not self.verify:
            raise ValueError("verify: false is not supported: name the authority in ca instead")
        return self


class Connections(Document):
    """Bounds of the connection pool of one origin."""

    max: Annotated[int, Field(ge=1, le=65536)] = 256
    """Connections at once."""
    queue: Annotated[int, Field(ge=0, le=65536)] = 256
    """Calls that may wait for a free one."""
    queue_timeout: Pause = 1.0
    """Longest wait for a free one."""
    idle: Pause = 30.0
    """How long an unused one is kept; less when the upstream says so; 0: none is kept."""
    max_requests: Annotated[int, Field(ge=1)] | None = None
    """Calls after which one is closed."""
    max_age: Duration | None = None
    """Time after which one takes no more calls."""


class Reached(Document):
    """What every upstream has: timeouts, TLS, a bounded pool, policies."""

    timeout: Duration | None = None
    """Short for `timeouts: {total: …}`."""
    timeouts: Timeouts | None = None
    """Longest waits."""
    tls: Tls | None = None
    """TLS settings for https addresses."""
    connections: Connections = Connections()
    """Bounds of the connection pool."""
    policies: Policies = ()
    """Policies of every call that goes there."""

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "Reached":
        if self.timeout is not None and self.timeouts is not None:
            raise ValueError("write timeout or timeouts, not both")
        if self.tls is not None and not any(address.startswith("https:") for address in self.addresses()):
            raise ValueError("tls is for https addresses, and there is none")
        return self

    def addresses(self) -> tuple[str, ...]:
        """Where calls go."""
        raise NotImplementedError

    @property
    def waits(self) -> Timeouts | None:
        """The timeouts in force, however they were written; None when nothing was."""
        if self.timeout is None:
            return self.timeouts
        base = Timeouts()
        return Timeouts(
            connect=min(base.connect, self.timeout),
            first_byte=min(base.first_byte, self.timeout),
            idle=min(base.idle, self.timeout),
            total=self.timeout,
        )


def as_list(value: Any) -> Any:
    """One object where a list is meant: a list of one."""
    return [value] if isinstance(value, dict) else value
