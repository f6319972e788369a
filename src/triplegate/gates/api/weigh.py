"""Why a match won and the others did not, in words: for `explain`."""

from triplegate.core.http import Inbound
from triplegate.gates.api.match import Matcher
from triplegate.gates.api.rule import Rule
from triplegate.wire.query import Query

MOST = 20
"""Lines that are told."""

_STEPS = (
    "a less specific host",
    "a less specific path",
    "no method named",
    "fewer headers",
    "fewer query parameters",
    "younger",
    "later by name",
    "later in the route",
)
"""What the first difference between two keys means for the loser."""

Key = tuple[object, ...]


def weigh(matcher: Matcher, inbound: Inbound) -> list[str]:
    """The match that won, those that fit and lost, and those that only host and path fit; best first."""
    won = matcher.find(inbound.host, inbound.path, inbound.method, inbound.headers, inbound.query, inbound.listener)
    lost: list[tuple[bool, Key, str]] = []
    for rule in matcher.rules:
        key = _key(rule, inbound)
        if key is None or rule is won:
            continue
        missed = _missed(rule, inbound) or _not_seen(rule, won, matcher, inbound)
        reason = missed or _first_difference(key, won, inbound)
        lost.append((bool(missed), key, f"{'missed' if missed else 'lost'}  {_shown(rule)}: {reason}"))
    lost.sort(key=lambda one: one[:2])
    told = [line for _, _, line in lost[:MOST]]
    if len(lost) > MOST:
        told.append(f"… and {len(lost) - MOST} more")
    return told if won is None else [f"won  {_shown(won)}", *told]


def _key(rule: Rule, inbound: Inbound) -> Key | None:
    """How the rule ranks among all for this request; None when its host or path does not fit."""
    host, path = _host(rule.host, inbound.host), _path(rule, inbound.path)
    return None if host is None or path is None else (host, path, *rule.rank())


def _host(pattern: str, host: str) -> tuple[int, int] | None:
    if pattern == host:
        return (0, 0)
    if pattern == "*":
        return (2, 0)
    return (1, -len(pattern)) if pattern.startswith("*.") and host.endswith(pattern[1:]) else None


def _path(rule: Rule, path: str) -> tuple[int, int] | None:
    if rule.pattern is not None:
        return (2, 0) if rule.pattern.fullmatch(path) is not None else None
    if rule.exact:
        return (0, 0) if path == rule.path else None
    stem = rule.path.rstrip("/")
    return (1, -len(stem)) if path == stem or path.startswith(stem + "/") else None


def _missed(rule: Rule, inbound: Inbound) -> str:
    """The first condition that the request does not meet; empty when it meets all."""
    if rule.listeners and inbound.listener not in rule.listeners:
        return f"not on listener {inbound.listener}"
    if rule.methods and inbound.method not in rule.methods:
        return f"method {', '.join(sorted(rule.methods))}"
    for name, value in rule.headers:
        if not Rule("", "", "", False, headers=((name, value),)).fits("", inbound.headers):
            return f"header {name.decode('ascii')}"
    asked = Query(inbound.query)
    for parameter, wanted in rule.query:
        if not Rule("", "", "", False, query=((parameter, wanted),)).fits("", [], asked):
            return f"query parameter {parameter}"
    return ""


def _not_seen(rule: Rule, won: Rule | None, matcher: Matcher, inbound: Inbound) -> str:
    """Why a Gateway's rule was not looked at."""
    if rule.section is None:
        return ""
    if won is not None and won.section is None:
        return "native routes go before those of Gateways"
    owners = matcher.owners(inbound.host, inbound.listener)
    return "" if rule.section in owners else "another listener of a Gateway owns this host"


def _first_difference(key: Key, won: Rule | None, inbound: Inbound) -> str:
    best = None if won is None else _key(won, inbound)
    if best is None:
        return ""
    return next((words for words, ours, theirs in zip(_STEPS, best, key, strict=True) if ours != theirs), "")


def _shown(rule: Rule) -> str:
    """A rule in one line: route, name, host, how the path is compared, what else it wants."""
    kind = "regex" if rule.pattern is not None else "exact" if rule.exact else "prefix"
    name = f" ({rule.name})" if rule.name else ""
    extra = [*sorted(rule.methods), *(f"header {key.decode('ascii')}" for key, _ in rule.headers)]
    extra += [f"query {key}" for key, _ in rule.query]
    return " ".join([f"{rule.route}{name}", rule.host, kind, rule.path, *extra])
