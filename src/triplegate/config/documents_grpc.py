"""Documents of gRPC: bounds of a service's channels, and a match by service and method."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import Pause, Size

_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_SERVICE, _METHOD = re.compile(rf"{_WORD}(?:\.{_WORD})*"), re.compile(_WORD)


class GrpcOptions(Document):
    """Bounds of a service's gRPC channels."""

    max_message: Annotated[Size, Field(ge=1, le=1 << 30)] = 10 << 20
    """Largest message, either way; above it RESOURCE_EXHAUSTED. What clients send is bounded by `limits.body` too."""
    keepalive: Pause = 60.0
    """Time between pings on a connection with calls under way; 0 = none."""


class GrpcMatch(Document):
    """Which gRPC calls a route takes."""

    type: Literal["exact", "regex"] = "exact"
    """exact: names as the .proto has them; regex: RE2, all of each name."""
    service: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """The service with its package, orders.v1.Orders; null = all."""
    method: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """The method; null = all."""

    @model_validator(mode="after")
    def _names(self) -> "GrpcMatch":
        if self.service is None and self.method is None:
            raise ValueError("grpc needs service or method")
        if self.type == "exact":
            if self.service is not None and not _SERVICE.fullmatch(self.service):
                raise ValueError("must be a service with its package: orders.v1.Orders")
            if self.method is not None and not _METHOD.fullmatch(self.method):
                raise ValueError("must be a method's name")
        return self


def path_of(match: Any) -> Any:
    """A match as written, its `grpc` also said as `path` and `type`. Raises ValueError where both are and differ."""
    grpc = match.get("grpc") if isinstance(match, dict) else None
    if isinstance(grpc, GrpcMatch):
        grpc = grpc.model_dump()
    if not isinstance(grpc, dict):
        return match
    service, method = grpc.get("service"), grpc.get("method")
    if any(name is not None and not isinstance(name, str) for name in (service, method)) or not (service or method):
        return match  # what is wrong with it is said where it stands
    said = _said(service, method, regex=grpc.get("type") == "regex")
    if any(match.get(name, value) != value for name, value in said.items()):
        raise ValueError("write grpc or path, not both")
    return {**match, **said}


def _said(service: str | None, method: str | None, *, regex: bool) -> dict[str, str]:
    if regex or service is None:
        return {"path": f"/{_part(service)}/{_part(method)}", "type": "regex"}
    if method is None:
        return {"path": f"/{service}", "type": "prefix"}
    return {"path": f"/{service}/{method}", "type": "exact"}


def _part(name: str | None) -> str:
    return "[^/]+" if name is None else f"(?:{name})"
