"""From routes and services as written to the api gate of one snapshot."""

from datetime import UTC, datetime
from math import inf

from msgspec.structs import replace

from triplegate.config.documents import Documents
from triplegate.config.documents_api import Expression, Match, RouteDocument
from triplegate.config.documents_problems import ProblemsDocument
from triplegate.config.people import anonymous_of
from triplegate.config.placed import every_policy
from triplegate.config.references import named_by
from triplegate.config.types import ServiceRef
from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains
from triplegate.core.exchange import Compiled
from triplegate.core.ports import House, Kit
from triplegate.gates.api.gate import ApiGate, Served
from triplegate.gates.api.grpc import GrpcService
from triplegate.gates.api.match import Matcher
from triplegate.gates.api.mirror import Mirrors, copies_of
from triplegate.gates.api.outgoing import Own
from triplegate.gates.api.rule import Rule, Section
from triplegate.gates.api.service import Service
from triplegate.gates.api.shares import Broken, Share, Shares
from triplegate.upstreams.balance import Weighted
from triplegate.wire.pattern import Pattern, pattern
from triplegate.wire.problem import BASE
from triplegate.wire.problem_style import PLAIN, Style, template


def compile_api(documents: Documents, kit: Kit, house: House, snapshot: str, chains: Chains) -> Compiled:
    """The gate with its trie, its services' pools and its outer chains."""
    services = {name: _target(name, documents, kit) for name in documents.services}
    served: dict[str, Served] = {}
    shares = {name: _shares(document, services) for name, document in documents.routes.items()}
    chosen = {name: _chosen(documents, document, services) for name, document in documents.routes.items()}
    routes = {
        name: _route(name, document, documents, [*_targets(shares[name]), *chosen[name]], kit)
        for name, document in documents.routes.items()
    }
    matcher, common = Matcher(_rules(documents), _sections(documents)), documents.gateway.problems
    mirrors = _mirrors(documents, kit, services)
    gate = ApiGate(matcher, served, chains, house, snapshot, kit, _style(common), mirrors)
    gate.services = {name: target.wiring for name, target in services.items()}
    for name, route in routes.items():
        choice = Weighted.kept(kit, f"route:{name}", [(share, share.weight) for share in shares[name]])
        style = _style(documents.routes[name].problems or common)
        options = Shares(shares[name], choice, _own(documents.routes[name], shares[name]))
        led = {target.name: options.led(target) for target, _ in chosen[name]}
        preflights = any(one.use == "cors" for one in (*documents.gateway.policies, *route.policies))
        counted = _counted(documents.routes[name])
        served[name] = Served(route, chains.outer(route.policies), options, style, led, preflights, counted)
        chains.prepare(route)
    chains.prepare_people()
    return Compiled(gate)


def _counted(document: RouteDocument) -> bytes:
    """The field of replies in which its service counts what is priced."""
    return (document.price.units_from or "").encode("ascii") if document.price is not None else b""


def _style(document: ProblemsDocument | None) -> Style:
    """The style as it is drawn; what a document leaves out is ours."""
    if document is None:
        return PLAIN
    templates = tuple((media.encode("ascii"), template(text)) for media, text in document.templates.items())
    return Style(document.base or BASE, document.members, templates)


def _rules(documents: Documents) -> list[Rule]:
    rules: list[Rule] = []
    for name, document in documents.routes.items():
        for match in document.match:
            rules.append(_rule(name, match, document, len(rules)))
    return rules


def _seconds(written: datetime) -> float:
    return (written if written.tzinfo is not None else written.replace(tzinfo=UTC)).timestamp()


def _rule(route: str, match: Match, document: RouteDocument, order: int) -> Rule:
    headers = tuple((key.encode(), _wanted(value, "latin-1")) for key, value in match.headers.items())
    query = tuple(
        (key, value if isinstance(value, str) else pattern(value.regex)) for key, value in match.query.items()
    )
    return Rule(
        route,
        match.host,
        match.path,
        match.type == "exact",
        frozenset(match.methods),
        headers,
        order,
        query,
        pattern(match.path) if match.type == "regex" else None,
        frozenset(document.listeners),
        match.section,
        inf if document.created is None else _seconds(document.created),
        match.name or "",
        document.sorts or "",
    )


def _wanted(value: str | Expression, encoding: str) -> bytes | Pattern:
    return value.encode(encoding) if isinstance(value, str) else pattern(value.regex)


def _sections(documents: Documents) -> list[Section]:
    return [Section(name, frozenset(one.listeners), one.host) for name, one in documents.sections.items()]


def _shares(document: RouteDocument, services: dict[str, Target]) -> list[Share]:
    """The services of a route, each with a name and a target of its own."""
    shares: list[Share] = []
    counts: dict[str, int] = {}
    for one in document.shares:
        count = counts[one.service] = counts.get(one.service, 0) + 1
        if one.broken is not None:
            target = Target("service", one.service, wiring=Broken(one.broken, empty=one.empty))
        else:
            alone = count == 1 and not one.policies
            target = services[one.service] if alone else replace(services[one.service])
        shares.append(Share(one.service if count == 1 else f"{one.service}#{count}", target, one.weight))
    return shares


def _own(document: RouteDocument, shares: list[Share]) -> Own | None:
    own = {share.target: one.policies for share, one in zip(shares, document.shares, strict=True) if one.policies}
    return own or None


def _targets(shares: list[Share]) -> list[tuple[Target, int]]:
    return [(share.target, share.weight) for share in shares]


def _chosen(documents: Documents, document: RouteDocument, services: dict[str, Target]) -> list[tuple[Target, int]]:
    """Services that policies may choose for a call of the route: targets of it without a weight."""
    policies = (*documents.gateway.policies, *document.policies)
    names = [name for policy in policies if policy.chooses for name in named_by(policy, ServiceRef)]
    return [(services[name], 0) for name in dict.fromkeys(names)]


def _mirrors(documents: Documents, kit: Kit, services: dict[str, Target]) -> Mirrors:
    for policy in every_policy(documents):
        if policy.use == "mirror":
            copies_of(kit, policy.label)  # it counts as used
    return Mirrors(kit, services)


def _target(name: str, documents: Documents, kit: Kit) -> Target:
    document = documents.services[name]
    claimants = tuple(policy for policy in document.policies if policy.form == "claims")
    kind = Service if document.protocol == "http" else GrpcService
    return Target("service", name, document.policies, claimants=claimants, wiring=kind(name, document, kit))


def _route(
    name: str, document: RouteDocument, documents: Documents, targets: list[tuple[Target, int]], kit: Kit
) -> Route:
    price = None if document.price is None else document.price.price(name)
    return Route(
        name,
        "api",
        document.owner,
        document.policies,
        tuple(targets),
        price,
        document.records,
        anonymous_of(kit.directory, document.owner) if document.identity == "none" else None,
        documents.origin("routes", name),
    )
