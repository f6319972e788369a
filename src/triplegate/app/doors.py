"""The doors of one worker: its listeners with the server behind each, their ports and their addresses."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from triplegate.app.building import Building
from triplegate.app.grpc import GrpcDoor
from triplegate.config.listeners import GatesListener, GrpcListener, Listener, ListenerTls
from triplegate.config.load import Loaded
from triplegate.config.settings import Settings
from triplegate.control.probes import status_app
from triplegate.edge.asgi import DataPlane
from triplegate.edge.front import Front
from triplegate.edge.front_certificates import Certificates, TlsTerms
from triplegate.edge.front_facts import LOOPBACK, Table
from triplegate.edge.front_terms import Terms
from triplegate.edge.http1_server import Http1Server
from triplegate.edge.listeners import Serving, claim_port, make_http2_server, make_server, reachable
from triplegate.wire.client_address import TrustedProxies


class Door(msgspec.Struct, frozen=True, eq=False):
    """A listener and what serves it."""

    name: str
    listener: Listener
    port: int
    server: Serving
    clients: bool
    """Clients call there: such doors close first, and every worker has them."""
    waits: bool = True
    """It is open before the worker says that it is ready."""


def claim(settings: Settings, *, grpc: bool = False) -> dict[str, int]:
    """Listener → port, once it is known that nobody else has it. Raises PortTaken.

    `grpc`: there is a gRPC route. Without one the port is only noted, for the reload that brings the first.
    """
    ports: dict[str, int] = {}
    for name, one in settings.listeners.all.items():
        port = claim_port(one.host, one.port)
        while not one.port and port in ports.values():  # the system may give a free one twice
            port = claim_port(one.host, 0)
        ports[name] = port
    listener = settings.listeners.grpc
    ports["grpc"] = claim_port(listener.host, listener.port) if grpc or not listener.port else listener.port
    return ports


def certificates(settings: Settings) -> dict[str, Certificates]:
    """Listener → what it shows to clients. Raises OSError, naming the file, when it cannot be used."""
    base = Path(settings.directory).absolute()
    return {
        name: Certificates(_tls_terms(listener.tls, base, http2=listener.speaks_http2))
        for name, listener in settings.listeners.gates.items()
        if listener.tls is not None
    }


def doors(
    building: Building, app: Any, ports: Mapping[str, int], shown: Mapping[str, Certificates] = MappingProxyType({})
) -> list[Door]:
    """The doors of this worker, those for clients first; none is open yet. `shown`: what `certificates` found."""
    settings, listeners = building.settings, building.settings.listeners
    wait = settings.limits.header_timeout

    def door(name: str, listener: Listener, target: Any, most: int, *, clients: bool = False) -> Door:
        server = make_server(target, listener.host, ports[name], most, wait)
        return Door(name, listener, ports[name], server, clients)

    found = []
    most = settings.limits.connections
    for name, listener in listeners.gates.items():
        if listener.fronted:
            front = building.fronts[name] = _front(building, name, listener, ports[name], shown.get(name))
            found.append(Door(name, listener, ports[name], front, clients=True))
        elif listener.transport == "loop":
            own = _loop_server(building, building.plane(name), listener.host, ports[name])
            found.append(Door(name, listener, ports[name], own, clients=True))
        else:
            target = app if name == "data" else building.plane(name)
            found.append(door(name, listener, target, most, clients=True))
    found.append(_grpc_door(building, listeners.grpc, ports["grpc"]))
    if building.fronts:
        _observe(building)
    if building.crew.leads:
        found.append(door("control", listeners.control, app.control, 256))
        if listeners.status is not None:
            found.append(door("status", listeners.status, status_app(building.parts), 64))
    return found


def _grpc_door(building: Building, listener: GrpcListener, port: int) -> Door:
    server = GrpcDoor(building, listener, port, _url(listener, port))
    return Door("grpc", listener, port, server, clients=True, waits=server.wanted)


def pairs_of(loaded: Loaded, listener: str) -> list[tuple[str, str]]:
    """Certificates with their keys that Kubernetes manifests bring to a listener of ours."""
    return [(chain, key.reveal()) for chain, key in loaded.manifests.certificates.get(listener, ())]


def _front(building: Building, name: str, listener: GatesListener, port: int, shown: Certificates | None) -> Front:
    limits = building.settings.limits
    proxy = listener.proxy_protocol

    def make(inner: int, http2: bool, facts: Table) -> Serving:
        plane = building.plane(name, facts)
        if http2:
            return make_http2_server(plane, LOOPBACK, inner, limits.connections, limits.headers)
        if listener.transport == "loop":
            return _loop_server(building, plane, LOOPBACK, inner)
        return make_server(plane, LOOPBACK, inner, limits.connections, limits.header_timeout)

    terms = Terms(
        supervisor=building.supervisor,
        certificates=shown,
        proxies=None if proxy is None else TrustedProxies(proxy.trusted),
        http2=listener.speaks_http2,
        header_timeout=limits.header_timeout,
        write_idle=limits.write_idle,
        connections=limits.connections,
        per_address=limits.connections_per_address,
    )
    if shown is not None:
        building.reloading.also.append(shown.refresh)
        building.reloading.tell(lambda loaded: shown.more(pairs_of(loaded, name)))
    return Front(listener.host, port, terms, make)


def _observe(building: Building) -> None:
    fronts = building.fronts
    building.meters.observe(
        "triplegate.front.connections",
        "{connection}",
        "Connections of clients at fronts.",
        ("triplegate.listener",),
        lambda: [((name,), len(front.terms.links)) for name, front in fronts.items()],
    )
    building.meters.observe(
        "triplegate.front.refused",
        "{connection}",
        "Connections that fronts ended, by why.",
        ("triplegate.listener", "triplegate.reason"),
        lambda: [
            ((name, reason), count) for name, front in fronts.items() for reason, count in front.terms.refused.items()
        ],
        kind="counter",
    )


def _loop_server(building: Building, plane: DataPlane, host: str, port: int) -> Http1Server:
    limits = building.settings.limits
    most, wait = limits.connections, limits.header_timeout
    return Http1Server(plane, host, port, building.house.clock, connections=most, header_timeout=wait)


def _tls_terms(tls: ListenerTls, base: Path, *, http2: bool) -> TlsTerms:
    return TlsTerms(
        tuple((str(base / one.certificate), str(base / one.key.removeprefix("file:"))) for one in tls.certificates),
        tls.client_auth,
        str(base / tls.client_ca) if tls.client_ca is not None else None,
        tls.minimum,
        http2,
    )


def addresses(settings: Settings, ports: Mapping[str, int], *, grpc: bool = False) -> dict[str, str]:
    """Gate or listener → URL, as clients on this machine would call it."""
    listeners = settings.listeners
    data = _url(listeners.data, ports["data"])
    found = {"api": data, "llm": f"{data}/v1", "mcp": f"{data}/mcp"}
    if grpc:
        found["grpc"] = _url(listeners.grpc, ports["grpc"])
    found["control"] = _url(listeners.control, ports["control"])
    if listeners.status is not None:
        found["status"] = _url(listeners.status, ports["status"])
    return found | {name: _url(one, ports[name]) for name, one in listeners.named.items()}


def _url(listener: Listener, port: int) -> str:
    host = reachable(listener.host)
    scheme = "https" if getattr(listener, "tls", None) is not None else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
