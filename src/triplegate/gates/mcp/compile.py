"""From servers and virtual servers as written to the mcp gate of one snapshot."""

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.people import anonymous_of
from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains
from triplegate.core.exchange import Compiled
from triplegate.core.identity import Principal
from triplegate.core.policy import Policy
from triplegate.core.ports import House, Kit
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.calling import Calling
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.controls import Controls
from triplegate.gates.mcp.doors import Doors
from triplegate.gates.mcp.exposing import Showing
from triplegate.gates.mcp.gate import Endpoint, McpGate
from triplegate.gates.mcp.hub import Hub
from triplegate.gates.mcp.oauth import WELL_KNOWN, Oauth
from triplegate.gates.mcp.opened import Opened
from triplegate.gates.mcp.own import Own
from triplegate.gates.mcp.pins import pin
from triplegate.gates.mcp.questions import Questions
from triplegate.gates.mcp.reading import Reading
from triplegate.gates.mcp.server import Server
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.gates.mcp.sessions import ClientSessions
from triplegate.gates.mcp.streaming import Streaming
from triplegate.gates.mcp.views import Views
from triplegate.wire.mcp_marks import Marks


def compile_mcp(documents: Documents, kit: Kit, house: House, snapshot: str, chains: Chains) -> Compiled:
    """The gate with its servers, its access rules and the routes of every path."""
    written = documents.mcp
    anonymous = anonymous_of(kit.directory, written.owner) if written.identity == "none" else None
    targets = {name: _target(name, documents, kit) for name in documents.servers}
    servers: dict[str, Server] = {name: target.wiring for name, target in targets.items()}
    pin(servers, documents, kit)
    endpoints = {"": _endpoint("", (), documents, targets, anonymous)}
    for name, virtual in documents.virtual_servers.items():
        endpoints[name] = _endpoint(name, virtual.policies, documents, targets, anonymous)
    own_scopes = {name: virtual.scopes for name, virtual in documents.virtual_servers.items()}
    oauth = None if written.oauth is None else Oauth(written.oauth, written.path, own_scopes)
    asked = Controls(documents, kit)
    controls = None if asked.idle else asked
    access, catalog = Access(documents), Catalog(kit)
    sessions = ClientSessions(kit.sessions, kit.state(SessionLog, "mcp", SessionLog), kit.clock)
    marks, hub = Marks(kit.pepper), Hub(kit, servers, catalog)
    opened = Opened(kit, sessions, hub.look)
    questions = Questions(kit, marks)
    gate = McpGate(
        written.path,
        endpoints,
        Doors(written.allowed_hosts, written.allowed_origins, oauth),
        Reading(access, Views(servers, _showings(documents), access, catalog), sessions, questions, controls),
        Own(access, sessions, catalog, kit.clock, hub),
        Calling(kit, opened, marks, questions, hub),
        Streaming(kit, hub, access, sessions, opened, marks),
        kit.reenter,
    )
    gate.serve(house, snapshot, chains)
    for endpoint in endpoints.values():
        chains.prepare(endpoint.own)
        for route in endpoint.servers.values():
            chains.prepare(route)
    chains.prepare_people()
    paths = (written.path, written.path + "/")
    if oauth is None:
        return Compiled(gate, paths[:1], paths[1:])
    told = WELL_KNOWN + written.path
    return Compiled(gate, (paths[0], WELL_KNOWN, told), (paths[1], told + "/"))


def _showings(documents: Documents) -> dict[str, Showing]:
    """How each path shows what there is."""
    written = documents.mcp
    said = {name: document.overrides for name, document in documents.servers.items() if document.overrides}
    common = Showing(
        written.naming,
        written.separator,
        said,
        fail_closed=written.fail_closed,
        progressive=written.progressive,
        instructions=written.instructions,
    )
    found = {"": common}
    for name, virtual in documents.virtual_servers.items():
        own = {field: getattr(virtual, field) for field in ("separator", "fail_closed", "progressive", "instructions")}
        own |= {"mode": virtual.naming, "path": virtual.overrides}
        told = {field: value for field, value in own.items() if value is not None}
        found[name] = msgspec.structs.replace(common, **told)
    return found


def _target(name: str, documents: Documents, kit: Kit) -> Target:
    document = documents.servers[name]
    claimants = tuple(policy for policy in document.policies if policy.form == "claims")
    price = None if document.price is None else document.price.price(name)
    wiring = Server(name, document, kit, documents.llm.base_path + "/chat/completions")
    return Target("server", name, document.policies, price, claimants=claimants, wiring=wiring)


def _endpoint(
    virtual: str,
    policies: tuple[Policy, ...],
    documents: Documents,
    targets: dict[str, Target],
    anonymous: Principal | None,
) -> Endpoint:
    owner = documents.mcp.owner
    own = Route(f"mcp/{virtual}" if virtual else "mcp", "mcp", owner, policies, anonymous=anonymous)
    servers = {
        name: Route(
            name,
            "mcp",
            documents.servers[name].owner or owner,
            policies,
            ((target, 1),),
            target.price,
            "each",
            anonymous,
            documents.origin("servers", name),
        )
        for name, target in targets.items()
    }
    return Endpoint(virtual, own, servers, f"@{virtual}" if policies else "")
