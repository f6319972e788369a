"""Names that must lead somewhere: services, providers, models, teams, plans, tools; and loops among them."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel

from triplegate.config.chains import walk
from triplegate.config.documents import Path
from triplegate.config.faults import Findings, Position, did_you_mean
from triplegate.config.reader import Node
from triplegate.config.types import ModelRef, ServiceRef, TeamRef
from triplegate.config.validate import descend
from triplegate.core.policy import Policy

REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("routes", "*", "service"), "service"),
    (("routes", "*", "services", "#", "service"), "service"),
    (("models", "*", "deployments", "#", "provider"), "provider"),
    (("models", "*", "fallback", "#"), "model"),
    (("llm", "files"), "model"),
    (("models", "*", "fallback_on", "context_window", "#"), "model"),
    (("models", "*", "canary", "model"), "model"),
    (("models", "*", "shadow", "model"), "model"),
    (("models", "*", "fallback_on", "content_policy", "#"), "model"),
    (("orgs", "*", "teams", "*", "plan"), "plan"),
    (("orgs", "*", "teams", "*", "consumers", "*", "plan"), "plan"),
    (("llm", "owner"), "team"),
    (("mcp", "owner"), "team"),
    (("routes", "*", "owner"), "team"),
    (("models", "*", "owner"), "team"),
    (("servers", "*", "owner"), "team"),
    (("models", "*", "teams", "#"), "team"),
    (("prompts", "*", "teams", "#"), "team"),
    (("servers", "*", "teams", "#"), "team"),
    (("virtual_servers", "*", "teams", "#"), "team"),
    (("mcp", "access", "#", "teams", "#"), "team"),
    (("servers", "*", "access", "#", "teams", "#"), "team"),
    (("virtual_servers", "*", "access", "#", "teams", "#"), "team"),
)
"""Where a name stands, and what kind of thing it names."""
_TEAM_KEYS = (("chargeback", "shared", "#", "shares", "*"), ("chargeback", "tags", "*"))
"""Maps by team."""


def check_references(
    root: Node, findings: Findings, shipped: Mapping[str, Collection[str]] = MappingProxyType({})
) -> None:
    """Note every name that leads nowhere, and every loop or double use among names.

    `shipped` holds more names that may be meant, by kind.
    """
    teams, ambiguous = teams_of(root)
    known: Mapping[str, Collection[str]] = {
        "service": _names(root, "services"),
        "provider": _names(root, "providers"),
        "model": _names(root, "models"),
        "plan": _names(root, "plans"),
        "team": teams,
    }
    for pattern, kind in REFERENCES:
        for path, node in walk(root, pattern):
            if isinstance(node.value, str) and node.value not in known[kind] and not _broken(root, path):
                if kind == "team":
                    findings.fault(node.place, _no_team(node.value, teams, ambiguous))
                else:
                    hint = did_you_mean(node.value, {*known[kind], *shipped.get(kind, ())})
                    findings.fault(node.place, f"unknown {kind} '{node.value}'{hint}")
    for pattern in _TEAM_KEYS:
        for path, node in walk(root, pattern):
            if path[-1] not in teams:
                findings.fault(node.key, _no_team(str(path[-1]), teams, ambiguous))
    _check_tools(root, _aliases(root, findings), findings)
    _check_fallbacks(root, findings)
    _check_aliases(root, findings)


def _broken(root: Node, path: Path) -> bool:
    """Whether this is a service of which its route knows that it cannot be called."""
    if path[0] != "routes" or path[-2] == path[1]:
        return False
    found = descend(root, path[:-1]).child("broken")
    return found is not None and found.value is not None


def check_policy_names(
    root: Node, placed: Mapping[Path, tuple[Policy, ...]], where: Callable[[Policy, Path], Position], findings: Findings
) -> None:
    """Note every team, service and model that a policy names and that is not one.

    Those are its fields made of `TeamRef`, `ServiceRef` or `ModelRef`.
    """
    teams, ambiguous = teams_of(root)
    known = (("service", ServiceRef, _names(root, "services")), ("model", ModelRef, _names(root, "models")))
    for path, policies in placed.items():
        if path[0] == "policies":  # a named chain is judged where it is used
            continue
        for policy in policies:
            for name in sorted(set(named_by(policy, TeamRef)) - set(teams)):
                findings.fault(where(policy, path), f"{policy.use}: {_no_team(name, teams, ambiguous)}")
            for kind, mark, names in known:
                for name in sorted(set(named_by(policy, mark)) - set(names)):
                    hint = did_you_mean(name, names)
                    findings.fault(where(policy, path), f"{policy.use}: unknown {kind} '{name}'{hint}")


def named_by(policy: BaseModel, kind: Any) -> list[str]:
    """What stands in the policy's fields that are made of `kind`, and in those of its parts."""
    found: list[str] = []
    for field, facts in type(policy).model_fields.items():
        value = getattr(policy, field)
        parts = value if isinstance(value, tuple) else (value,)
        if parts and isinstance(parts[0], BaseModel):
            found += [name for part in parts for name in named_by(part, kind)]
        elif value is not None and _made_of(kind, facts.annotation, facts.metadata):
            found.extend([value] if isinstance(value, str) else value)
    return found


def _made_of(kind: Any, annotation: Any, metadata: Collection[Any] = ()) -> bool:
    (mark,) = get_args(kind)[1:]
    return mark in metadata or annotation == kind or any(_made_of(kind, one) for one in get_args(annotation))


def _no_team(name: str, teams: Collection[str], ambiguous: Mapping[str, list[str]]) -> str:
    if name in ambiguous:
        return f"team '{name}' is in several orgs: write {' or '.join(ambiguous[name])}"
    return f"unknown team '{name}'{did_you_mean(name, teams)}"


def _names(root: Node, kind: str) -> Collection[str]:
    found = root.child(kind)
    return found.value.keys() if found is not None and isinstance(found.value, dict) else ()


def teams_of(root: Node) -> tuple[Collection[str], Mapping[str, list[str]]]:
    """Names of teams (org/team, and the bare name where one org has it), and the bare names that several orgs have."""
    bare: dict[str, list[str]] = {}
    for path, _ in walk(root, ("orgs", "*", "teams", "*")):
        bare.setdefault(str(path[3]), []).append(f"{path[1]}/{path[3]}")
    known = {ref for refs in bare.values() for ref in refs} | {name for name, refs in bare.items() if len(refs) == 1}
    return known, {name: refs for name, refs in bare.items() if len(refs) > 1}


def _aliases(root: Node, findings: Findings) -> Collection[str]:
    """Prefixes of tools; two servers with one prefix would have one another's tools."""
    found: dict[str, Node] = {}
    for path, node in walk(root, ("servers", "*")):
        given = node.child("alias")
        alias, place = (str(path[1]), node.key) if given is None or given.value is None else (given.value, given.place)
        if not isinstance(alias, str):
            continue
        if "__" in alias and (given is None or given.value is None):
            findings.fault(place, f"server '{alias}' needs an alias: its name has a double underscore")
        if alias in found:
            findings.fault(place, f"alias '{alias}' is already used by the server at {found[alias].key}")
        found.setdefault(alias, node)
    return found


def _check_tools(root: Node, aliases: Collection[str], findings: Findings) -> None:
    for _, node in walk(root, ("virtual_servers", "*", "tools", "#")):
        if not isinstance(node.value, str):
            continue
        alias, separator, _ = node.value.partition("__")
        if not separator and "*" not in alias:
            findings.fault(node.place, f"tool '{node.value}' needs its server's alias: alias__{node.value}")
        elif separator and "*" not in alias and alias not in aliases:
            findings.fault(node.place, f"unknown alias '{alias}'{did_you_mean(alias, aliases)}")


def _check_aliases(root: Node, findings: Findings) -> None:
    """One name, one model; and a star where another one is to be filled in."""
    taken = {str(name): "a model" for name in _names(root, "models")}
    for path, node in walk(root, ("models", "*", "aliases", "#")):
        if node.value in taken:
            findings.fault(node.place, f"'{node.value}' is already the name of {taken[str(node.value)]}")
        taken.setdefault(str(node.value), f"the model '{path[1]}'")
    for path, node in walk(root, ("models", "*", "deployments", "#", "model")):
        if isinstance(node.value, str) and "*" in node.value:
            if node.value.count("*") > 1:
                findings.fault(node.place, "one star at most")
            elif "*" not in str(path[1]):
                findings.fault(node.place, f"nothing fills in this star: the name '{path[1]}' has none")


def _check_fallbacks(root: Node, findings: Findings) -> None:
    edges = {
        str(path[1]): [one for one in node.value if isinstance(one.value, str)]
        for path, node in walk(root, ("models", "*", "fallback"))
        if isinstance(node.value, list)
    }
    done: set[str] = set()
    for model in edges:
        _follow(model, edges, [model], done, findings)


def _follow(model: str, edges: Mapping[str, list[Node]], trail: list[str], done: set[str], findings: Findings) -> None:
    if model in done or len(trail) > 64:
        return
    for node in edges.get(model, ()):
        if node.value in trail:
            loop = [*trail[trail.index(node.value) :], node.value]
            findings.fault(node.place, f"fallback goes in a circle: {' → '.join(loop)}")
        else:
            _follow(node.value, edges, [*trail, node.value], done, findings)
    done.add(model)
