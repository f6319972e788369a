"""What each document may say alone, but not all of them together: identity, stages, gates, matches, order."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import combinations

from triplegate.config.documents import Documents, Path
from triplegate.config.documents_api import Match
from triplegate.config.faults import Findings, Position
from triplegate.config.model_rules import check_models
from triplegate.config.routing_rules import check_routing
from triplegate.config.types import is_reference
from triplegate.core.fold import stage_disorder
from triplegate.core.policy import OUTER, Policy, Stage

Where = Callable[[Path], Position]

_OUTER_PLACES = frozenset({"gateway", "llm", "mcp", "routes"})
_GATES = {
    "services": "api",
    "routes": "api",
    "llm": "llm",
    "models": "llm",
    "providers": "llm",
    "mcp": "mcp",
    "servers": "mcp",
    "virtual_servers": "mcp",
}
_SENSITIVE = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"})
_LLM_PATHS = (
    "/chat/completions",
    "/responses",
    "/completions",
    "/embeddings",
    "/models",
    "/messages",
    "/messages/count_tokens",
    "/usage",
)


def check_rules(
    documents: Documents,
    placed: Mapping[Path, tuple[Policy, ...]],
    broken: Collection[Path],
    where: Where,
    findings: Findings,
) -> None:
    """Note what refuses the whole, and warn of what probably is not meant; `broken` lists are not judged as whole."""
    for path, policies in placed.items():
        if path[0] != "policies":  # a named chain is judged where it is used
            _check_place(path, policies, where, findings)
            if documents.servers and str(path[0]) not in _GATES:
                _check_shared(path, policies, where, findings)
    _check_names(placed, where, findings)
    _check_identity(documents, broken, where, findings)
    _check_tokens(documents, placed, broken, where, findings)
    _check_keys(documents, where, findings)
    _check_headers(documents, where, findings)
    _check_grpc(documents, where, findings)
    _check_matches(documents, where, findings)
    _check_clashes(documents, where, findings)
    check_models(documents, where, findings)
    check_routing(documents, placed, lambda policy, path: written(policy, where(path)), findings)


def written(policy: Policy, otherwise: Position) -> Position:
    """Where a policy was written, which for one of a named chain is there."""
    file, _, rest = policy.origin.rpartition(":")[0].rpartition(":")
    line, column = rest, policy.origin.rpartition(":")[2]
    return Position(file, int(line), int(column)) if file and line.isdigit() and column.isdigit() else otherwise


def _check_place(path: Path, policies: tuple[Policy, ...], where: Where, findings: Findings) -> None:
    kind = str(path[0])
    gate = _GATES.get(kind)
    for policy in policies:
        if policy.stage in OUTER and kind not in _OUTER_PLACES:
            message = f"'{policy.use}' runs before the target is known: it stands on a route or the gateway only"
            findings.fault(written(policy, where(path)), message)
        if policy.use == "budget" and (kind == "virtual_servers" or "deployments" in path):
            message = f"'{policy.use}' stands on the model, its provider, the server or whoever spends, not here"
            findings.fault(written(policy, where(path)), message)
        strange = policy.strange_on(gate) if gate is not None else ""
        if strange:
            findings.fault(written(policy, where(path)), f"'{policy.use}' makes no sense on {gate}: {strange}")
    for early, late in stage_disorder(policies):
        stage = Stage(late.stage).name
        findings.warn(
            written(late, where(path)), f"'{late.use}' runs before '{early.use}', which is written first ({stage})"
        )


def _check_shared(path: Path, policies: tuple[Policy, ...], where: Where, findings: Findings) -> None:
    """What protects stands for all gates here: say which of it, or what of it, does not hold for tools."""
    for policy in policies:
        strange = policy.strange_on("mcp") if policy.security else ""
        if strange:
            holds = "holds on mcp in part only" if policy.holds_on("mcp") else "does not hold on mcp"
            findings.warn(written(policy, where(path)), f"'{policy.use}' {holds}: {strange}")


def _check_names(placed: Mapping[Path, tuple[Policy, ...]], where: Where, findings: Findings) -> None:
    """Limits of one name share one bucket: it cannot hold two different allowances."""
    seen: dict[tuple[str, str], tuple[Policy, Position]] = {}
    for path, policies in placed.items():
        for policy in policies if path[0] != "policies" else ():
            if policy.name is None or policy.form != "claims":
                continue
            place = written(policy, where(path))
            first, there = seen.setdefault((policy.use, policy.name), (policy, place))
            if first.model_dump() != policy.model_dump():
                message = f"'{policy.name}' names another {policy.use} at {there}: one name, one allowance"
                findings.fault(place, message)


def _check_keys(documents: Documents, where: Where, findings: Findings) -> None:
    """A credential that would not be sent."""
    for name, model in documents.models.items():
        for index, one in enumerate(model.deployments):
            provider = documents.providers.get(one.provider)
            if (one.key is not None or one.keys) and provider is not None and provider.auth is None:
                message = f"provider '{one.provider}' takes no credential (auth: null): the key would not be sent"
                findings.fault(where(("models", name, "deployments", index)), message, secret=True)


def _identifies(policies: Iterable[Policy]) -> bool:
    return any(policy.stage == Stage.IDENTIFY for policy in policies)


def _check_identity(documents: Documents, broken: Collection[Path], where: Where, findings: Findings) -> None:
    if _identifies(documents.gateway.policies) or ("gateway", "policies") in broken:
        return
    hint = "add an identity policy (use: key_auth) here or on the gateway, or say identity: none"
    for name, route in documents.routes.items():
        known = _identifies(route.policies) or ("routes", name, "policies") in broken
        if route.identity != "none" and not known:
            findings.fault(where(("routes", name)), f"route '{name}' lets anyone in: {hint}")
    for gate in ("llm", "mcp"):
        section = getattr(documents, gate)
        known = _identifies(section.policies) or (gate, "policies") in broken
        if section.identity != "none" and not known:
            findings.fault(where((gate,)), f"the {gate} gate lets anyone in: {hint}")


def _check_tokens(
    documents: Documents,
    placed: Mapping[Path, tuple[Policy, ...]],
    broken: Collection[Path],
    where: Where,
    findings: Findings,
) -> None:
    """Tokens for endpoints of the mcp gate: who is told of them, and who checks them."""
    found = [
        (path, policy)
        for path, policies in placed.items()
        if path[0] in ("gateway", "mcp")
        for policy in policies
        if policy.stage is Stage.IDENTIFY and getattr(policy, "audience", None) == "resource"
    ]
    if documents.mcp.oauth is None:
        for path, policy in found:
            message = f"'{policy.use}' with audience: resource needs mcp.oauth, which says what the resource is"
            findings.fault(written(policy, where(path)), message)
    elif not found and not broken:
        message = "nothing takes the tokens that clients are sent for: add a jwt policy with audience: resource"
        findings.warn(where(("mcp", "oauth")), message)


def _check_grpc(documents: Documents, where: Where, findings: Findings) -> None:
    """A match by host that native clients cannot fit."""
    spoken = {name for name, service in documents.services.items() if service.protocol == "grpc"}
    for name, route in documents.routes.items() if spoken else ():
        if not any(one.service in spoken for one in route.shares):
            continue
        for index, match in enumerate(route.match):
            if match.host != "*" and match.section is None:
                message = f"route '{name}' takes gRPC-web calls only: grpcio does not tell the host of gRPC clients"
                findings.warn(where(("routes", name, "match", index)), message)


def _check_headers(documents: Documents, where: Where, findings: Findings) -> None:
    for kind in ("providers", "servers"):
        for name, reached in getattr(documents, kind).items():
            for header, value in reached.headers.items():
                if header in _SENSITIVE and not is_reference(value):
                    place = where((kind, name, "headers", header))
                    findings.fault(place, f"{header}: refer to the secret by env:NAME or file:/path", secret=True)


def _check_matches(documents: Documents, where: Where, findings: Findings) -> None:
    seen: dict[tuple[object, ...], str] = {}
    alike: dict[tuple[object, ...], list[tuple[str, Path, frozenset[str]]]] = {}
    for name, route in documents.routes.items():
        for index, match in enumerate(route.match):
            if match.section is not None:
                continue  # of two alike the older one wins, and that is how it is meant
            path, key = ("routes", name, "match", index), (frozenset(route.listeners), *match.key())
            if key in seen:
                there = where(("routes", seen[key]))
                findings.fault(where(path), f"route '{name}' matches the same calls as '{seen[key]}' at {there}")
                continue
            seen[key] = name
            alike.setdefault(key[:-1], []).append((name, path, frozenset(match.methods)))
    for group in alike.values():
        for one, other in combinations(group[:64], 2):
            _check_overlap(one, other, where, findings)


def _check_overlap(
    one: tuple[str, Path, frozenset[str]], other: tuple[str, Path, frozenset[str]], where: Where, findings: Findings
) -> None:
    """Two matches that differ by methods alone, and share some: the first by name wins (Gateway API precedence)."""
    (first, _, wins), (second, place, loses) = sorted((one, other), key=lambda each: each[0])
    shared = wins & loses
    if first == second or not shared:
        return
    never = "; it never takes a call" if loses <= wins else ""
    findings.warn(where(place), f"route '{second}' loses {', '.join(sorted(shared))} to '{first}'{never}")


def _check_clashes(documents: Documents, where: Where, findings: Findings) -> None:
    base, mcp = documents.llm.base_path, documents.mcp.path
    taken = [("llm", base + path) for path in _LLM_PATHS] + [("llm", f"/anthropic{base}/messages"), ("mcp", mcp)]
    for name, route in documents.routes.items():
        for index, match in enumerate(route.match):
            for gate, path in taken if match.type != "regex" else ():
                if _clashes(match, path) or (gate == "mcp" and match.path.startswith(mcp + "/")):
                    findings.warn(
                        where(("routes", name, "match", index)),
                        f"route '{name}' does not get {path}: the {gate} gate answers there",
                    )
                    break


def _clashes(match: Match, path: str) -> bool:
    """Whether a route asks for a gate's own path; a route on / asks for everything, and means the rest."""
    asked = match.path.rstrip("/")
    return asked == path or (match.type == "prefix" and bool(asked) and path.startswith(asked + "/"))
