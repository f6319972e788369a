"""Kubernetes routes as written: matches, filters, backends."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from triplegate.config.kubernetes.objects import GATEWAY_GROUP, LocalRef, Many, Object, Part, Port
from triplegate.config.kubernetes.objects_gateway import Hostname, PreciseHostname, SectionName

_DURATION = re.compile(r"(?:[0-9]{1,5}(?:h|m|s|ms)){1,4}")
_PART = re.compile(r"([0-9]+)(h|ms|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds_of(duration: str) -> float:
    """The length of a Gateway API duration (GEP-2257)."""
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value):
        raise ValueError("a duration has up to four parts of h, m, s and ms: 500ms, 1m30s")
    return value


GepDuration = Annotated[str, AfterValidator(_duration)]


class ParentRef(Part):
    """The gateway, or the listener of it, that a route attaches to."""

    group: str = GATEWAY_GROUP
    kind: str = "Gateway"
    namespace: str | None = None
    name: str
    section_name: SectionName | None = None
    port: Port | None = None


class HttpPathMatch(Part):
    """Path of a request."""

    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    value: Annotated[str, Field(max_length=1024)] = "/"


class FieldMatch(Part):
    """A header field or a query parameter."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: Annotated[str, Field(min_length=1, max_length=256)]
    value: Annotated[str, Field(min_length=1, max_length=4096)]


class HttpMatch(Part):
    """What all must fit."""

    path: HttpPathMatch = HttpPathMatch()
    headers: Annotated[Many[FieldMatch], Field(max_length=16)] = ()
    query_params: Annotated[Many[FieldMatch], Field(max_length=16)] = ()
    method: str | None = None


class GrpcMethodMatch(Part):
    """Service and method of a gRPC call."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    service: Annotated[str, Field(max_length=1024)] | None = None
    method: Annotated[str, Field(max_length=1024)] | None = None


class GrpcMatch(Part):
    """What all must fit."""

    method: GrpcMethodMatch | None = None
    headers: Annotated[Many[FieldMatch], Field(max_length=16)] = ()


class HeaderLine(Part):
    """A field with its value."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    value: Annotated[str, Field(min_length=1, max_length=4096)]


class HeaderFilter(Part):
    """Changes of header fields."""

    set: Many[HeaderLine] = ()
    add: Many[HeaderLine] = ()
    remove: Many[str] = ()


class PathModifier(Part):
    """Another path: whole, or instead of the matched prefix."""

    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"]
    replace_full_path: Annotated[str, Field(max_length=1024)] | None = None
    replace_prefix_match: Annotated[str, Field(max_length=1024)] | None = None


class RedirectFilter(Part):
    """Sends the client elsewhere."""

    scheme: Literal["http", "https"] | None = None
    hostname: PreciseHostname | None = None
    path: PathModifier | None = None
    port: Port | None = None
    status_code: Literal[301, 302, 303, 307, 308] = 302


class RewriteFilter(Part):
    """Another host or path towards the backend."""

    hostname: PreciseHostname | None = None
    path: PathModifier | None = None


class ServiceRef(Part):
    """A backend, perhaps of another namespace."""

    group: str = ""
    kind: str = "Service"
    name: str
    namespace: str | None = None
    port: Port | None = None


class Fraction(Part):
    """A share of calls."""

    numerator: Annotated[int, Field(ge=0)]
    denominator: Annotated[int, Field(ge=1)] = 100


class MirrorFilter(Part):
    """Sends a copy elsewhere; its answer is ignored."""

    backend_ref: ServiceRef
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    fraction: Fraction | None = None


class CorsFilter(Part):
    """What browsers of other origins may do."""

    allow_origins: Many[str] = ()
    allow_credentials: bool | None = None
    allow_methods: Many[str] = ()
    allow_headers: Many[str] = ()
    expose_headers: Many[str] = ()
    max_age: Annotated[int, Field(ge=1)] = 5


class Filter(Part):
    """One change on the way; `type` says which of the others is there."""

    type: str
    request_header_modifier: HeaderFilter | None = None
    response_header_modifier: HeaderFilter | None = None
    request_mirror: MirrorFilter | None = None
    request_redirect: RedirectFilter | None = None
    url_rewrite: RewriteFilter | None = None
    cors: CorsFilter | None = None
    extension_ref: LocalRef | None = None


class BackendRef(ServiceRef):
    """A backend with its share of the calls."""

    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    filters: Many[Filter] = ()


class HttpTimeouts(Part):
    """Longest waits; 0s is none."""

    request: GepDuration | None = None
    backend_request: GepDuration | None = None


class HttpRetry(Part):
    """When a call is tried again."""

    codes: Many[Annotated[int, Field(ge=400, le=599)]] = ()
    attempts: Annotated[int, Field(ge=1)] | None = None
    backoff: GepDuration | None = None


class HttpRule(Part):
    """Any of the matches, through the filters, to one of the backends."""

    name: SectionName | None = None
    matches: Annotated[Many[HttpMatch], Field(max_length=64)] = ()
    filters: Annotated[Many[Filter], Field(max_length=16)] = ()
    backend_refs: Annotated[Many[BackendRef], Field(max_length=16)] = ()
    timeouts: HttpTimeouts | None = None
    retry: HttpRetry | None = None


class GrpcRule(Part):
    """Any of the matches, through the filters, to one of the backends."""

    name: SectionName | None = None
    matches: Annotated[Many[GrpcMatch], Field(max_length=64)] = ()
    filters: Annotated[Many[Filter], Field(max_length=16)] = ()
    backend_refs: Annotated[Many[BackendRef], Field(max_length=16)] = ()


class RouteSpec(Part):
    """Where a route attaches, and for which hosts."""

    parent_refs: Annotated[Many[ParentRef], Field(max_length=32)] = ()
    hostnames: Annotated[Many[Hostname], Field(max_length=16)] = ()


class HttpRouteSpec(RouteSpec):
    """Rules of an HTTP route."""

    rules: Annotated[Many[HttpRule], Field(max_length=16)] = (HttpRule(),)


class GrpcRouteSpec(RouteSpec):
    """Rules of a gRPC route."""

    rules: Annotated[Many[GrpcRule], Field(max_length=16)] = (GrpcRule(),)


class HttpRouteObject(Object):
    """HTTP calls to services."""

    spec: HttpRouteSpec


class GrpcRouteObject(Object):
    """gRPC calls to services."""

    spec: GrpcRouteSpec


RouteObject = HttpRouteObject | GrpcRouteObject
