"""`/livez`, `/readyz` and `/metrics`: for orchestrators and scrapers, without a token on the machine itself."""

from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler

from triplegate.control.admin.access import LOOPBACK, OPEN
from triplegate.control.parts import Parts
from triplegate.control.telemetry.prometheus import OPENMETRICS, TEXT, negotiate, render


async def _livez() -> str:
    return "ok\n"


async def _readyz(parts: NamedDependency[Parts]) -> Response[str]:
    reasons = list(parts.view.not_ready())
    text = "".join([f"{reason}\n" for reason in reasons]) or "ready\n"
    return Response(text, status_code=503 if reasons else 200, media_type="text/plain")


async def _metrics(request: Request[Any, Any, Any], parts: NamedDependency[Parts]) -> Response[bytes]:
    kind = negotiate(request.headers.get("accept", ""))
    body = render(parts.telemetry.read(), openmetrics=kind == OPENMETRICS)
    return Response(body, headers={"content-type": kind})


def probes(role: str = LOOPBACK) -> list[HTTPRouteHandler]:
    """The three handlers, open to `role`."""
    kind = {"role": role, "tenant": "none", "include_in_schema": False}
    return [
        get("/livez", media_type="text/plain", **kind)(_livez),  # type: ignore[arg-type]
        get("/readyz", **kind)(_readyz),  # type: ignore[arg-type]
        get("/metrics", media_type=TEXT, **kind)(_metrics),  # type: ignore[arg-type]
    ]


def status_app(parts: Parts) -> Litestar:
    """The application of the optional `status` listener: these three and nothing else, open to whoever reaches it."""
    return Litestar(
        probes(OPEN),
        openapi_config=None,
        logging_config=None,
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
    )
