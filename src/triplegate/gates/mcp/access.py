"""Who may use what through which path: one compiled policy, the same for list and call."""

import re
from collections.abc import Callable, Iterable

import msgspec

from triplegate.config.documents import Documents
from triplegate.core.identity import Principal
from triplegate.gates.mcp.kinds import Kind
from triplegate.gates.mcp.names import full_name

Teams = frozenset[str] | None
"""Teams that may; None = all."""


class ServerAccess(msgspec.Struct, frozen=True, eq=False):
    """What one server's document allows."""

    alias: str
    teams: Teams
    allows: Callable[[str], bool]
    denies: Callable[[str], bool]


class VirtualAccess(msgspec.Struct, frozen=True, eq=False):
    """What one virtual server's document allows; patterns are matched with full names."""

    teams: Teams
    tools: Callable[[str], bool]
    prompts: Callable[[str], bool]
    resources: Callable[[str], bool]


class Access:
    """The verdicts of one snapshot. `virtual` is "" for the endpoint of everything."""

    __slots__ = ("_servers", "_virtual")

    def __init__(self, documents: Documents) -> None:
        self._servers = {
            name: ServerAccess(
                document.alias or name, teams(document.teams), glob(document.tools.allow), glob(document.tools.deny)
            )
            for name, document in documents.servers.items()
        }
        self._virtual = {
            name: VirtualAccess(
                teams(document.teams), glob(document.tools), glob(document.prompts), glob(document.resources)
            )
            for name, document in documents.virtual_servers.items()
        }

    def may_enter(self, virtual: str, principal: Principal) -> bool:
        """Whether this path exists for this caller."""
        if not virtual:
            return True
        found = self._virtual.get(virtual)
        return found is not None and _is_one_of(principal, found.teams)

    def servers(self, principal: Principal) -> tuple[str, ...]:
        """The servers this caller's team may use, in the order of their names."""
        return tuple(name for name in sorted(self._servers) if _is_one_of(principal, self._servers[name].teams))

    def permits(self, virtual: str, server: str, kind: Kind, name: str) -> bool:
        """Whether an item (by its own name at its server) exists for a caller on this path; teams are judged before."""
        return self.selects(virtual, server, kind, name)

    def selects(self, virtual: str, server: str, kind: Kind, name: str) -> bool:
        """Whether this path shows an item to anybody at all."""
        rules = self._servers[server]
        if kind == "tool" and (not rules.allows(name) or rules.denies(name)):
            return False
        if not virtual:
            return True
        chosen, full = self._virtual[virtual], full_name(rules.alias, name)
        if kind == "tool":
            return chosen.tools(full)
        return chosen.prompts(full) if kind == "prompt" else chosen.resources(full)


def teams(listed: Iterable[str] | None) -> Teams:
    """As a set; absent stays absent: an empty list lets nobody in."""
    return None if listed is None else frozenset(listed)


def _is_one_of(principal: Principal, allowed: Teams) -> bool:
    return allowed is None or principal.team in allowed or principal.team_ref in allowed


def glob(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name fits one of `patterns` as a whole; * stands for any characters. None of none."""
    joined = "|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns)
    if not joined:
        return lambda _: False
    match = re.compile(joined, re.DOTALL).fullmatch
    return lambda name: match(name) is not None
