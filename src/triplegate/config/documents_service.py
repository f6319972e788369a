"""Parts of a service: its endpoints, how calls are spread over them, and when one of them is left alone."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import Endpoint, HeaderName, Worded
from triplegate.core.duration import Duration

Balance = Literal["round_robin", "least_request", "latency", "hash"]

CookieName = Annotated[str, Worded(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "a cookie name (RFC 6265 §4.1.1)", longest=128)]
QueryName = Annotated[str, Worded(r"[A-Za-z0-9._~-]+", "a query parameter in plain characters", longest=128)]
Percent = Annotated[int, Field(ge=0, le=100)]


class EndpointDocument(Document):
    """One address of a service, with its share."""

    url: Endpoint
    """Its address."""
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    """Share among the service's endpoints; 0 gets nothing."""
    backup: bool = False
    """Gets calls only while too few of the others are well."""


def _form(value: Any) -> str:
    return "url" if isinstance(value, str) else "endpoint"


WrittenEndpoint = Annotated[
    Annotated[Endpoint, Tag("url")] | Annotated[EndpointDocument, Tag("endpoint")], Discriminator(_form)
]
"""A URL, or an object with `url` and what it is worth."""


class HashDocument(Document):
    """What ties a caller to an endpoint: exactly one of header, cookie, query and by."""

    header: HeaderName | None = None
    """The value of this header field."""
    cookie: CookieName | None = None
    """The value of this cookie."""
    ttl: Duration | None = None
    """With cookie: callers without one are given one that lasts so long."""
    query: QueryName | None = None
    """The value of this query parameter."""
    by: Literal["consumer", "address", "path"] | None = None
    """The caller, the client's address, or the path."""
    load: Annotated[float, Field(ge=1.0, le=100.0)] = 1.25
    """An endpoint has at most so many times its share of the calls under way; what is above goes to the next one."""

    @model_validator(mode="after")
    def _one_source(self) -> "HashDocument":
        if sum(one is not None for one in (self.header, self.cookie, self.query, self.by)) != 1:
            raise ValueError("hash needs exactly one of header, cookie, query and by")
        if self.ttl is not None and self.cookie is None:
            raise ValueError("ttl is for a cookie")
        return self


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


StatusRange = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | int),
    Worded(r"[1-5]\d\d(?:-[1-5]\d\d)?", "a status such as 204, or a range such as 200-299"),
]

HealthPath = Annotated[
    str, Worded(r"/[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*", "a path that begins with /, with or without a query")
]


AskedHost = Annotated[
    str,
    Worded(
        r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?",
        "a host name, with a port where one is meant",
        longest=253,
        lower=True,
    ),
]


class HealthDocument(Document):
    """Asking each endpoint from time to time whether it is well."""

    path: HealthPath = "/"
    """What is asked for, by GET."""
    tcp: bool = False
    """Only connect (over https with the handshake) and ask nothing."""
    interval: Annotated[Duration, Field(ge=0.1, le=86_400)] = 5.0
    """Time from one question to the next, a tenth more or less."""
    timeout: Annotated[Duration, Field(ge=0.01, le=300)] = 1.0
    """Longest wait for the answer, connecting included."""
    healthy: Annotated[int, Field(ge=1, le=100)] = 2
    """Good answers in a row after which it is used again."""
    unhealthy: Annotated[int, Field(ge=1, le=100)] = 3
    """Bad ones in a row after which it is not; the very first answer decides alone."""
    status: Annotated[tuple[StatusRange, ...], Field(min_length=1, max_length=32)] = ("200-399",)
    """Good statuses, and ranges of them."""
    host: AskedHost | None = None
    """Host header of the question; the endpoint's own when absent."""
    service: Annotated[str, Field(max_length=127)] = ""
    """With `protocol: grpc`: what grpc.health.v1 is asked about; nothing: the whole server."""

    @model_validator(mode="after")
    def _fitting(self) -> "HealthDocument":
        if self.tcp and self.model_fields_set & {"path", "status", "host", "service"}:
            raise ValueError("with tcp nothing is asked: path, status, host and service do not belong here")
        if any(low > high for low, high in self.ranges):
            raise ValueError("status: a range begins with its smaller end")
        return self

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Good statuses, from and to."""
        pairs = (one.partition("-") for one in self.status)
        return tuple((int(low), int(high or low)) for low, _, high in pairs)


class OutlierDocument(Document):
    """When an endpoint that fails calls is left alone for a while."""

    consecutive: Annotated[int, Field(ge=0, le=1000)] = 5
    """Failed calls in a row (no answer, or a status from 500); 0: not counted."""
    failure_rate: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of failed calls within `window`."""
    window: Annotated[Duration, Field(ge=0.1)] = 10.0
    """Time over which the rate is taken."""
    minimum: Annotated[int, Field(ge=1)] = 20
    """Calls within `window` below which the rate says nothing."""
    slow: Duration | None = None
    """An answer whose first byte takes longer counts as failed."""
    eject_for: Annotated[Duration, Field(ge=0.1)] = 10.0
    """How long it is left alone the first time; doubled each time it fails again soon after it came back."""
    longest: Annotated[Duration, Field(ge=0.1)] = 300.0
    """Longest time it is left alone."""
    max_ejected: Percent = 50
    """Percent of the service's endpoints that may be left alone at once; one always may."""
