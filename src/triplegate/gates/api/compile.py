"""From routes and services as written to the api gate of one snapshot."""

from triplegate.config.documents import Documents
from triplegate.config.documents_api import RouteDocument
from triplegate.config.documents_problems import ProblemsDocument
from triplegate.config.people import anonymous_of
from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains
from triplegate.core.exchange import Compiled
from triplegate.core.money import Price, from_dollars
from triplegate.core.ports import House, Kit
from triplegate.gates.api.gate import ApiGate, Served
from triplegate.gates.api.match import Matcher, Rule
from triplegate.gates.api.service import Service
from triplegate.upstreams.balance import Weighted
from triplegate.wire.problem import BASE
from triplegate.wire.problem_style import PLAIN, Style, template


def compile_api(documents: Documents, kit: Kit, house: House, snapshot: str, chains: Chains) -> Compiled:
    """The gate with its trie, its services' pools and its outer chains."""
    services = {name: _target(name, documents, kit) for name in documents.services}
    served: dict[str, Served] = {}
    routes = {name: _route(name, document, documents, services, kit) for name, document in documents.routes.items()}
    common = documents.gateway.problems
    gate = ApiGate(Matcher(_rules(documents)), served, chains, house, snapshot, kit.trusted, kit.index, _style(common))
    for name, route in routes.items():
        choice = Weighted.kept(kit, f"route:{name}", route.targets)
        style = _style(documents.routes[name].problems or common)
        served[name] = Served(route, chains.outer(route.policies), choice, style)
        chains.prepare(route)
    chains.prepare_people()
    return Compiled(gate)


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
            headers = tuple((key.encode(), value.encode("latin-1")) for key, value in match.headers.items())
            exact = match.type == "exact"
            rules.append(Rule(name, match.host, match.path, exact, frozenset(match.methods), headers, len(rules)))
    return rules


def _target(name: str, documents: Documents, kit: Kit) -> Target:
    document = documents.services[name]
    claimants = tuple(policy for policy in document.policies if policy.form == "claims")
    return Target("service", name, document.policies, claimants=claimants, wiring=Service(name, document, kit))


def _route(name: str, document: RouteDocument, documents: Documents, services: dict[str, Target], kit: Kit) -> Route:
    price = None if document.price is None else Price(version="route", call=from_dollars(document.price))
    return Route(
        name,
        "api",
        document.owner,
        document.policies,
        tuple((services[service], weight) for service, weight in document.weighted),
        price,
        document.records,
        anonymous_of(kit.directory, document.owner) if document.identity == "none" else None,
        documents.origin("routes", name),
    )
