"""Documents of the api gate: services (what is behind us) and routes (how it is reached)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)

from triplegate.config.documents_base import Connections, Document, Policies, Reached, as_list
from triplegate.config.documents_call_price import PriceOfRoute
from triplegate.config.documents_grpc import GrpcMatch, GrpcOptions, path_of
from triplegate.config.documents_problems import ProblemsDocument
from triplegate.config.documents_service import (
    Balance,
    EndpointDocument,
    HashDocument,
    HealthDocument,
    OutlierDocument,
    Percent,
    WrittenEndpoint,
)
from triplegate.config.documents_websocket import Upgradable
from triplegate.config.types import HeaderName, HeaderValue, Name, TeamRef, Worded
from triplegate.core.duration import Duration
from triplegate.core.errors import Refusal
from triplegate.wire.pattern import LONGEST, pattern
from triplegate.wire.target import canonical_path

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

HostPattern = Annotated[
    str,
    Worded(
        rf"\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]+\]",
        "*, a host name without port, or *.example.com",
        longest=253,
        lower=True,
    ),
]
"""`*`, a host name, or `*.example.com` (any number of labels before it, not example.com itself)."""

ExactHost = Annotated[
    str,
    Worded(
        rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]", "a host name without port and wildcard", longest=253, lower=True
    ),
]
"""One host, without port."""

Method = Annotated[str, Worded(r"[A-Z][A-Z-]*", "a method in capitals, such as GET", longest=32)]


def _clean_path(value: str) -> str:
    if any(part in (".", "..") for part in value.split("/")) or "//" in value:
        raise ValueError("a path has no dot segments and no empty ones")
    try:
        return canonical_path(value.encode("ascii")).decode("ascii")
    except Refusal as refusal:
        raise ValueError(refusal.detail) from None


MatchPath = Annotated[
    str,
    Worded(r"/[A-Za-z0-9._~!$&'()*+,=:@/%-]*", "a path that begins with / and has only plain characters"),
    AfterValidator(_clean_path),
]
"""A path in plain characters, as it looks after normalisation."""

_MATCH_PATH: TypeAdapter[str] = TypeAdapter(MatchPath)


def _regex(value: str) -> str:
    pattern(value)
    return value


Regex = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_regex)]
"""An expression as RE2 reads it; all of the value must fit."""


class Expression(Document):
    """A value told by a regular expression."""

    regex: Regex
    """RE2 expression that the whole value must fit."""


def _kind(value: Any) -> str:
    return "regex" if isinstance(value, (dict, Expression)) else "exact"


HeaderWanted = Annotated[
    Annotated[HeaderValue, Tag("exact")] | Annotated[Expression, Tag("regex")], Discriminator(_kind)
]
"""The exact value, or `regex: …`."""

QueryName = Annotated[str, Field(min_length=1, max_length=256)]

QueryWanted = Annotated[
    Annotated[str, Field(max_length=1024), Tag("exact")] | Annotated[Expression, Tag("regex")], Discriminator(_kind)
]
"""The exact decoded value, or `regex: …`."""

INTERNAL: dict[str, JsonValue] = {"internal": True}
"""Marks a field that is set by programs (Kubernetes documents) and cannot be written."""


SentHost = Annotated[
    str,
    Worded(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::\d{{1,5}})?", "keep, upstream or a host name", lower=True),
]
"""`keep`, `upstream`, or the host (with port, where one is meant) to send."""


class ServiceDocument(Reached):
    """An API behind us: one or several addresses that answer alike."""

    endpoints: Annotated[tuple[WrittenEndpoint, ...], Field(min_length=1, max_length=256)]
    """Its addresses; calls are spread over them."""
    host: SentHost = "upstream"
    """Host header we send: `keep` (the client's), `upstream` (the address's), or a fixed name."""
    balance: Balance | None = None
    """How calls are spread over the endpoints: in turn by weight (round_robin, the default), to the less busy of two
    (least_request), to the faster of two (latency), or by what `hash` says."""
    hash: HashDocument | None = None
    """What ties a caller to an endpoint; says `balance: hash` by itself."""
    health: HealthDocument | None = None
    """Asking each endpoint from time to time whether it is well."""
    outlier: OutlierDocument | None = None
    """When an endpoint that fails calls is left alone for a while."""
    panic: Percent = 30
    """With fewer than so many percent of the endpoints well, all are used: some of them may still answer."""
    protocol: Literal["http", "grpc"] = "http"
    """What it speaks: `grpc` over plain HTTP/2 for http addresses, over TLS for https ones."""
    grpc: GrpcOptions | None = None
    """Bounds of its gRPC channels."""
    slow_start: Duration | None = None
    """Time in which an endpoint that is new or came back grows to its full share."""
    websocket: Upgradable = None
    """Whether it is called by WebSocket too (`true`), and within which bounds; null: an upgrade is refused."""

    @model_validator(mode="after")
    def _fitting(self) -> "ServiceDocument":
        if self.hash is None and self.balance == "hash":
            raise ValueError("balance: hash needs hash: a header, a cookie, a query parameter or by")
        if self.hash is not None and self.balance not in (None, "hash"):
            raise ValueError("hash is for balance: hash")
        urls = self.addresses()
        if len(set(urls)) < len(urls):
            raise ValueError("an endpoint is named twice: give it a weight instead")
        if not any(one.weight and not one.backup for one in self.members):
            raise ValueError("at least one endpoint that is no backup needs a weight above 0")
        return self

    @model_validator(mode="after")
    def _one_protocol(self) -> "ServiceDocument":
        if self.protocol == "http":
            if self.grpc is not None or (self.health is not None and self.health.service):
                raise ValueError("grpc and health.service are for protocol: grpc")
            return self
        asked = self.health.model_fields_set if self.health is not None else frozenset()
        for wrong, why in (
            (self.host == "keep", "host: keep is for protocol: http: a gRPC channel asks for one name"),
            (self.connections != Connections(), "connections is for protocol: http: gRPC calls share a connection"),
            (self.websocket is not None, "websocket is for protocol: http"),
            (
                self.tls is not None and (self.tls.san or self.tls.min_version != "1.2"),
                "tls: san and min_version are for protocol: http: a gRPC channel checks the name alone",
            ),
            (asked & {"path", "status", "host"}, "health is asked by grpc.health.v1: path, status and host are HTTP's"),
        ):
            if wrong:
                raise ValueError(why)
        return self

    def addresses(self) -> tuple[str, ...]:
        """Where calls go."""
        return tuple(one.url for one in self.members)

    @property
    def members(self) -> tuple[EndpointDocument, ...]:
        """The endpoints, however they were written."""
        return tuple(EndpointDocument(url=one) if isinstance(one, str) else one for one in self.endpoints)


class WeightedService(Document):
    """A service with its share of a route's calls."""

    service: Name
    """Name of the service."""
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    """Share among the route's services; 0 gets nothing."""
    policies: Policies = ()
    """What changes in calls of this route to this service: request_headers, response_headers, rewrite."""
    broken: str | None = Field(default=None, json_schema_extra=INTERNAL)
    """Why it cannot be called: its share is answered 500; set for Kubernetes routes, not written."""
    empty: bool = Field(default=False, json_schema_extra=INTERNAL)
    """It cannot be called only because nothing of it is ready now: 503 instead of 500."""


class Match(Document):
    """Which calls a route takes: all of host, path, methods, headers and query must fit."""

    name: Name | None = None
    """Name of its own, for `explain`."""
    host: HostPattern = "*"
    """Host of the request."""
    type: Literal["prefix", "exact", "regex"] = "prefix"
    """prefix compares whole path elements: /orders fits /orders/1, not /orders2; regex: RE2, all of the path."""
    path: Annotated[str, Field(max_length=LONGEST)] = "/"
    """Path of the request, in its canonical form."""
    methods: tuple[Method, ...] = ()
    """Methods; none = all."""
    headers: dict[HeaderName, HeaderWanted] = Field(default_factory=dict, max_length=16)
    """Header fields with their exact values, or `regex: …`; of a repeated field the first counts."""
    query: dict[QueryName, QueryWanted] = Field(default_factory=dict, max_length=16)
    """Query parameters with their decoded values, or `regex: …`; of a repeated one the first counts."""
    section: str | None = Field(default=None, json_schema_extra=INTERNAL)
    """Section (a Gateway's listener) it belongs to; set for Kubernetes routes, not written."""
    grpc: GrpcMatch | None = None
    """A gRPC service, or its methods; short for their path."""

    @model_validator(mode="before")
    @classmethod
    def _grpc_is_a_path(cls, value: Any) -> Any:
        return path_of(value)

    @field_validator("path")
    @classmethod
    def _path_of_its_type(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("type") == "regex":
            return _regex(value)
        return _MATCH_PATH.validate_python(value)

    def key(self) -> tuple[object, ...]:
        """Equal for two matches that take the same calls; the methods come last."""
        path = self.path.rstrip("/") if self.type == "prefix" else self.path
        headers, query = frozenset(self.headers.items()), frozenset(self.query.items())
        return (self.section, self.host, path, self.type, headers, query, frozenset(self.methods))


class SectionDocument(Document):
    """A listener of a Kubernetes Gateway: made from manifests, not written."""

    listeners: tuple[Name, ...] = ()
    """Our listeners it serves; none = all."""
    host: HostPattern = "*"
    """Hosts it owns: what none of its own routes takes is 404."""


class RouteDocument(Document):
    """A match that leads through a chain to one or several services."""

    service: Name | None = None
    """The one service behind the route; or `services`."""
    services: Annotated[tuple[WeightedService, ...], Field(max_length=64)] = ()
    """Several services with weights."""
    match: Annotated[
        tuple[Match, ...],
        Field(min_length=1, max_length=4096),
        BeforeValidator(as_list, json_schema_input_type=Match | tuple[Match, ...]),
    ]
    """Which calls it takes: one match, or a list of which any may fit."""
    listeners: tuple[Name, ...] = ()
    """Listeners it is reachable on; none = all."""
    created: datetime | None = None
    """When it was made: of two routes that match alike the older one wins."""
    sorts: str | None = Field(default=None, json_schema_extra=INTERNAL)
    """Name by which it stands among routes of its age; set for Kubernetes routes, not written."""
    owner: TeamRef | None = None
    """Team that owns it: anonymous calls are booked there."""
    price: PriceOfRoute | None = None
    """US dollars a call, or {call, mb, units}; a priced call is billed and gets a record of its own."""
    records: Literal["rollup", "each"] = "rollup"
    """Unpriced calls: summed by the minute, or a record each."""
    identity: Literal["none"] | None = None
    """`none` lets everyone in; without it an identity policy must stand on the route or the gateway."""
    problems: ProblemsDocument | None = None
    """How its refusals are told; the gateway's when absent."""
    policies: Policies = ()
    """Policies of this route, after the gateway's."""

    @model_validator(mode="after")
    def _one_target(self) -> "RouteDocument":
        answered = any(policy.answers for policy in self.policies)
        if self.service is None and not self.services and not answered:
            raise ValueError("a route has either service or services")
        if self.service is not None and self.services:
            raise ValueError("a route has either service or services")
        written = all(match.section is None for match in self.match)
        if written and self.services and not any(one.weight for one in self.services):
            raise ValueError("at least one service needs a weight above 0")
        return self

    @property
    def shares(self) -> tuple[WeightedService, ...]:
        """The services with their weights, however they were written."""
        return self.services or ((WeightedService(service=self.service),) if self.service is not None else ())
