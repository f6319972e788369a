"""Matches of HTTP and gRPC rules as the matches of our routes."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from triplegate.config.kubernetes.objects_routes import (
    FieldMatch,
    GrpcMatch,
    GrpcMethodMatch,
    GrpcRule,
    HttpMatch,
    HttpRule,
)

_TYPES = {"Exact": "exact", "PathPrefix": "prefix", "RegularExpression": "regex"}


def rule_matches(rule: HttpRule | GrpcRule, places: Iterable[tuple[str, Sequence[str]]]) -> list[dict[str, Any]]:
    """The rule's matches at each section for each of its hosts."""
    found = [grpc_match(one) for one in rule.matches or [GrpcMatch()]] if isinstance(rule, GrpcRule) else []
    if isinstance(rule, HttpRule):
        found = [http_match(one) for one in rule.matches or [HttpMatch()]]
    return [{**one, "host": host, "section": section} for section, hosts in places for host in hosts for one in found]


def http_match(match: HttpMatch) -> dict[str, Any]:
    """Path, method, header fields and query parameters."""
    found: dict[str, Any] = {"type": _TYPES[match.path.type], "path": match.path.value}
    if match.method is not None:
        found["methods"] = [match.method]
    if match.headers:
        found["headers"] = _fields(match.headers, lower=True)
    if match.query_params:
        found["query"] = _fields(match.query_params)
    return found


def grpc_match(match: GrpcMatch) -> dict[str, Any]:
    """/service/method by POST; what is left out is any."""
    found = _grpc_path(match.method or GrpcMethodMatch())
    found["methods"] = ["POST"]
    if match.headers:
        found["headers"] = _fields(match.headers, lower=True)
    return found


def _grpc_path(match: GrpcMethodMatch) -> dict[str, Any]:
    service, method = match.service or "", match.method or ""
    if not service and not method:
        return {"type": "prefix", "path": "/"}
    if match.type == "RegularExpression":
        return {"type": "regex", "path": f"/(?:{service or '[^/]+'})/(?:{method or '[^/]+'})"}
    if not service:
        return {"type": "regex", "path": f"/[^/]+/{re.escape(method)}"}
    return {"type": "exact", "path": f"/{service}/{method}"} if method else {"type": "prefix", "path": f"/{service}"}


def _fields(fields: Sequence[FieldMatch], *, lower: bool = False) -> dict[str, Any]:
    """By name; of several of one name the first counts."""
    found: dict[str, Any] = {}
    for one in fields:
        name = one.name.lower() if lower else one.name
        found.setdefault(name, one.value if one.type == "Exact" else {"regex": one.value})
    return found
