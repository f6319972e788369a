"""The configuration in force: what it is, what a change would do, read it anew."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from triplegate.control.admin.access import EVERYONE, OPERATE, Caller
from triplegate.control.admin.problems import problem
from triplegate.control.parts import Parts
from triplegate.control.view import Degraded, EndpointView, RouteView, Running, UpstreamView
from triplegate.core.errors import Fault

_BODY = 2 << 20


class Documents(BaseModel):
    """Configuration files: path → YAML text."""

    model_config = ConfigDict(extra="forbid")
    documents: Annotated[dict[str, Annotated[str, Field(max_length=1 << 20)]], Field(min_length=1, max_length=500)]


class Verdict(msgspec.Struct):
    """What is wrong with documents; nothing was applied."""

    ok: bool
    faults: list[Fault]


class Status(msgspec.Struct):
    """How the house stands."""

    ready: bool
    not_ready: list[str]
    degraded: list[Degraded]
    gates: dict[str, str]
    active: dict[str, int]
    config: Running


@get("/config", role=EVERYONE, tenant="whole", summary="The configuration in force")
async def running(parts: NamedDependency[Parts]) -> Running:
    """Hash, generation, origin, and why the newest change was not taken."""
    return parts.view.running()


@post(
    "/config/validate", role=OPERATE, tenant="whole", status_code=200, request_max_body_size=_BODY, summary="Validate"
)
async def validate(data: JSONBody[Documents], parts: NamedDependency[Parts]) -> Verdict:
    """Check documents against this version and its policies; nothing is applied."""
    faults = list(await parts.view.validate(data.documents))
    return Verdict(not faults, faults)


@post("/config/reload", role=OPERATE, tenant="whole", status_code=200, summary="Reload")
async def reload(parts: NamedDependency[Parts]) -> Response[object]:
    """Read the configuration anew; a bad one is refused with 409 and the last good one stays."""
    done = await parts.view.reload()
    if done.faults:
        errors = [{"pointer": fault.pointer, "detail": fault.message} for fault in done.faults]
        return problem(409, "The configuration was not taken; the last good one stays in force.", errors=errors)  # type: ignore[return-value]
    return Response(done)


@get("/status", role=EVERYONE, tenant="whole", summary="How the house stands")
async def status(parts: NamedDependency[Parts]) -> Status:
    """Readiness, degraded parts, open exchanges by gate, configuration."""
    view = parts.view
    waiting = list(view.not_ready())
    return Status(not waiting, waiting, list(degraded(parts)), dict(view.gates()), dict(view.active()), view.running())


def degraded(parts: Parts) -> list[Degraded]:
    """What the house says, and telemetry sinks that do not get through."""
    told = list(parts.view.degraded())
    known = {one.part for one in told}
    failing = [Degraded(f"telemetry {sink}", failure) for sink, failure in parts.telemetry.failing()]
    return [*told, *(one for one in failing if one.part not in known)]


@get("/routes", role=EVERYONE, tenant="own", summary="List routes, models and servers")
async def routes(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[RouteView]:
    """Routes that the caller sees: all, or those of the caller's teams."""
    return seen_routes(caller, parts)


def seen_routes(caller: Caller, parts: Parts) -> list[RouteView]:
    """A bound caller sees the routes that its teams own."""
    if not caller.bound:
        return list(parts.view.routes())
    teams = {one.team for one in parts.view.teams() if caller.sees(one.org, one.team)}
    return [one for one in parts.view.routes() if one.owner in teams]


@get("/endpoints", role=EVERYONE, tenant="whole", summary="List endpoints of services and how they stand")
async def endpoints(parts: NamedDependency[Parts]) -> list[EndpointView]:
    """Endpoints that are chosen from or watched: state, what is under way, failures, latency."""
    return list(parts.view.endpoints())


@get("/upstreams", role=EVERYONE, tenant="whole", summary="List upstreams and their health")
async def upstreams(parts: NamedDependency[Parts]) -> list[UpstreamView]:
    """Services, deployments and servers: address, state, connections."""
    return list(parts.view.upstreams())
