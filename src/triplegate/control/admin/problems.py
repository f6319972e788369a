"""Errors of the control plane as problem+json (RFC 9457); a browser that is not signed in is shown where to."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect

from triplegate.core.errors import Refusal

TYPES = "https://triplegate.dev/problems/"
_LOG = logging.getLogger("triplegate.control")
_TITLES = {
    400: "Bad request",
    401: "Credentials are required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    421: "Misdirected request",
    422: "Unprocessable content",
    429: "Too many requests",
}
AnyRequest = Request[Any, Any, Any]


def problem(
    status: int,
    detail: str,
    *,
    type_: str = "about:blank",
    title: str = "",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response[dict[str, Any]]:
    """A problem document."""
    body = {"type": type_, "title": title or _TITLES.get(status, "Error"), "status": status, "detail": detail, **more}
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers)


def http_problem(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What Litestar and the handlers raise."""
    if isinstance(error, ValidationException):
        return problem(422, "The request does not fit.", errors=_faults(error.extra))
    if error.status_code == 401 and _is_page(request):
        return Redirect("/sign-in", status_code=303)
    headers = dict(error.headers or {})
    if error.status_code == 401:
        headers["www-authenticate"] = 'Bearer realm="triplegate control plane"'
    if error.status_code >= 500:
        return problem(error.status_code, "The control plane failed.", title="Internal error")
    return problem(error.status_code, error.detail, headers=headers)


def refusal_problem(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    """What the house refuses."""
    errors = [{"pointer": fault.pointer, "detail": fault.message} for fault in refusal.errors]
    more: dict[str, Any] = {"errors": errors} if errors else {}
    return problem(refusal.status, refusal.detail, type_=TYPES + refusal.code, title=refusal.rendering.title, **more)


def unexpected_problem(request: AnyRequest, error: Exception) -> Response[Any]:
    """A bug: its text goes to the log only. An error that brings a remedy is the operator's to mend, not a bug."""
    remedy = getattr(error, "remedy", None)
    if isinstance(remedy, str):
        return problem(503, f"The store cannot be used now. {remedy}", title="Store unavailable")
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "The control plane failed.", title="Internal error")


def _is_page(request: AnyRequest) -> bool:
    return not request.url.path.startswith("/admin/") and "text/html" in request.headers.get("accept", "")


def _faults(extra: Any) -> list[dict[str, str]]:
    """Litestar's list of faults with JSON pointers; never the values that were sent."""
    faults = extra if isinstance(extra, list) else []
    return [
        {"pointer": "/" + str(fault.get("key", "")).replace(".", "/"), "detail": str(fault.get("message", ""))}
        for fault in faults
        if isinstance(fault, dict)
    ]
