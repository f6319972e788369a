"""Access rules, compiled: whom each lets through, and what it asks of a call's arguments."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from triplegate.config.documents_access import AccessRule
from triplegate.core.identity import Principal
from triplegate.gates.mcp.kinds import Kind
from triplegate.gates.mcp.patterns import glob, readings
from triplegate.gates.mcp.when import When, about


class Rule:
    """One rule where it stands."""

    __slots__ = (
        "_anybody",
        "_asks_arguments",
        "_consumers",
        "_deny",
        "_everything",
        "_matches",
        "_roles",
        "_scopes",
        "_teams",
        "_when",
        "origin",
    )

    def __init__(self, document: AccessRule, origin: str = "") -> None:
        self.origin = origin
        """file:line:column."""
        named = {"tool": document.tools, "prompt": document.prompts, "resource": document.resources}
        self._everything = not any(named.values())
        self._matches: Mapping[str, Callable[[str], bool]] = {kind: glob(listed) for kind, listed in named.items()}
        self._teams, self._consumers = frozenset(document.teams), frozenset(document.consumers)
        self._roles, self._scopes = frozenset(document.roles), frozenset(document.scopes)
        self._anybody = not (self._teams or self._consumers or self._roles)
        self._deny = document.deny
        self._when = None if document.when is None else When(document.when)
        self._asks_arguments = self._when is not None and self._when.asks_arguments

    def concerns(self, kind: Kind, name: str, prefix: str = "") -> bool:
        """Whether it is for that item, or for what its URI may also be read as; `prefix`: where names are full."""
        if self._everything:
            return True
        if kind in ("tool", "prompt"):
            return self._matches[kind](prefix + name)
        return any(self._matches["resource"](prefix + reading) for reading in readings(name))

    def hides(self, principal: Principal) -> bool:
        """Whether what it is for does not exist for this caller, whatever the call would say."""
        fits = self._is_meant(principal)
        if self._deny:
            return fits and self._scopes <= principal.scopes and not self._asks_arguments and self._holds(principal)
        return not fits or not (self._asks_arguments or self._holds(principal))

    def lacks(self, principal: Principal) -> bool:
        """Whether the caller has not all scopes that it needs."""
        return not self._deny and not self._scopes <= principal.scopes

    @property
    def scopes(self) -> frozenset[str]:
        """Scopes that a call needs."""
        return frozenset() if self._deny else self._scopes

    @property
    def asks_arguments(self) -> bool:
        """Whether the verdict depends on the call, too."""
        return self._asks_arguments

    def refuses(self, principal: Principal, asked: Mapping[str, Any]) -> bool:
        """Whether a call that says this is refused; one that cannot be judged is."""
        if self._when is None or not self._asks_arguments:
            return False
        if self._deny:
            return (
                self._is_meant(principal) and self._scopes <= principal.scopes and self._when.says(asked) is not False
            )
        return self._when.says(asked) is not True

    def _is_meant(self, principal: Principal) -> bool:
        return (
            self._anybody
            or principal.team_ref in self._teams
            or principal.team in self._teams
            or not self._roles.isdisjoint(principal.roles)
            or not self._consumers.isdisjoint(_names(principal))
        )

    def _holds(self, principal: Principal) -> bool:
        """Of a question that asks the caller alone; one that fails hides, whichever way round the rule is."""
        if self._when is None:
            return True
        said = self._when.says(about(principal))
        return said is not False if self._deny else said is True


def _names(principal: Principal) -> tuple[str, str, str]:
    consumer = principal.consumer
    return consumer, f"{principal.team}/{consumer}", f"{principal.team_ref}/{consumer}"


def compiled(rules: Iterable[AccessRule], origin: Callable[[int], str] = lambda _: "") -> tuple[Rule, ...]:
    """The rules of one place; `origin` says where each was written."""
    return tuple(Rule(rule, origin(index)) for index, rule in enumerate(rules))
