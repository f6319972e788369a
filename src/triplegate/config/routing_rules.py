"""What routes and their policies may not say together: rewriting and redirecting, parts of paths that nobody named."""

from collections.abc import Callable, Collection, Mapping

from triplegate.config.documents import Documents, Path
from triplegate.config.documents_api import RouteDocument
from triplegate.config.faults import Findings, Position
from triplegate.config.references import named_by
from triplegate.config.types import ServiceRef
from triplegate.core.policy import Policy

At = Callable[[Policy, Path], Position]
Placed = Mapping[Path, tuple[Policy, ...]]


def check_routing(documents: Documents, placed: Placed, at: At, findings: Findings) -> None:
    """Note policies that stand where they cannot work, and those that cannot stand together."""
    for path, policies in placed.items():
        if path[0] == "policies":  # a named chain is judged where it is used
            continue
        for policy in policies:
            _check_place(path, policy, at(policy, path), findings)
            for doubt in policy.doubts():
                findings.warn(at(policy, path), f"{policy.use}: {doubt}")
        route = documents.routes.get(str(path[1])) if path[0] == "routes" else None
        if route is not None:
            _check_route(route, path, placed, at, findings)


def check_listeners(
    documents: Documents, known: Collection[str], at: Callable[[Path], Position], found: Findings
) -> None:
    """Note routes that stand on a listener that is none of ours."""
    for name, route in documents.routes.items():
        for listener in sorted(set(route.listeners) - set(known)):
            found.fault(at(("routes", name, "listeners")), f"unknown listener '{listener}': {', '.join(sorted(known))}")


def _check_place(path: Path, policy: Policy, place: Position, findings: Findings) -> None:
    if path[0] == "routes" and len(path) > 3 and not policy.per_backend:
        findings.fault(
            place, f"'{policy.use}' cannot stand on one service of a route: write it on the route or the service"
        )
    if path[0] not in ("routes", "gateway") and named_by(policy, ServiceRef):
        findings.fault(place, f"'{policy.use}' chooses a service: it stands on a route or the gateway only")


def _check_route(route: RouteDocument, path: Path, placed: Placed, at: At, findings: Findings) -> None:
    policies = placed[path]
    if len(path) > 3:  # one service of it: the route's own count there, too
        policies = (*placed.get((*path[:2], "policies"), ()), *policies)
    redirects = [policy for policy in placed[path] if policy.answers]
    for policy in placed[path]:
        if policy.use == "rewrite" and any(one.answers for one in policies):
            findings.fault(at(policy, path), "a route either rewrites or redirects, not both")
        if getattr(policy, "prefix", None) is not None and any(match.type == "regex" for match in route.match):
            findings.fault(at(policy, path), f"{policy.use}: prefix needs matches of type prefix or exact, not regex")
    if redirects and route.shares:
        findings.warn(at(redirects[0], path), f"'{redirects[0].use}' answers every call: the route's services get none")
