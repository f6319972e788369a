"""Documents of the api gate: services (what is behind us) and routes (how it is reached)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from triplegate.config.documents_base import Document, Policies, Reached, as_list
from triplegate.config.documents_problems import ProblemsDocument
from triplegate.config.types import Dollars, Endpoint, HeaderName, HeaderValue, Name, TeamRef, Worded

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
    return value


MatchPath = Annotated[
    str,
    Worded(r"/[A-Za-z0-9._~!$&'()*+,=:@/-]*", "a path that begins with / and has only plain characters"),
    AfterValidator(_clean_path),
]
"""A path in plain characters, as it looks after normalisation."""


SentHost = Annotated[
    str,
    Worded(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::\d{{1,5}})?", "keep, upstream or a host name", lower=True),
]
"""`keep`, `upstream`, or the host (with port, where one is meant) to send."""


class ServiceDocument(Reached):
    """An API behind us: one or several addresses that answer alike."""

    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1, max_length=256)]
    """Its addresses; calls are spread over them."""
    host: SentHost = "upstream"
    """Host header we send: `keep` (the client's), `upstream` (the address's), or a fixed name."""

    def addresses(self) -> tuple[str, ...]:
        """Where calls go."""
        return self.endpoints


class WeightedService(Document):
    """A service with its share of a route's calls."""

    service: Name
    """Name of the service."""
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    """Share among the route's services; 0 gets nothing."""


class Match(Document):
    """Which calls a route takes: all of host, path, methods and headers must fit."""

    host: HostPattern = "*"
    """Host of the request."""
    path: MatchPath = "/"
    """Path of the request."""
    type: Literal["prefix", "exact"] = "prefix"
    """prefix compares whole path elements: /orders fits /orders/1, not /orders2."""
    methods: tuple[Method, ...] = ()
    """Methods; none = all."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=16)
    """Header fields with their exact values."""

    def key(self) -> tuple[object, ...]:
        """Equal for two matches that take the same calls."""
        path = self.path.rstrip("/") if self.type == "prefix" else self.path
        return (self.host, path, self.type, frozenset(self.methods), frozenset(self.headers.items()))


class RouteDocument(Document):
    """A match that leads through a chain to one or several services."""

    service: Name | None = None
    """The one service behind the route; or `services`."""
    services: Annotated[tuple[WeightedService, ...], Field(max_length=64)] = ()
    """Several services with weights."""
    match: Annotated[
        tuple[Match, ...],
        Field(min_length=1, max_length=64),
        BeforeValidator(as_list, json_schema_input_type=Match | tuple[Match, ...]),
    ]
    """Which calls it takes: one match, or a list of which any may fit."""
    owner: TeamRef | None = None
    """Team that owns it: anonymous calls are booked there."""
    price: Dollars | None = None
    """US dollars a call; a priced call is billed and gets a record of its own."""
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
        if (self.service is None) == (not self.services):
            raise ValueError("a route has either service or services")
        if self.services and not any(one.weight for one in self.services):
            raise ValueError("at least one service needs a weight above 0")
        return self

    @property
    def weighted(self) -> tuple[tuple[str, int], ...]:
        """Services with their weights, however they were written."""
        if self.service is not None:
            return ((self.service, 1),)
        return tuple((one.service, one.weight) for one in self.services)
