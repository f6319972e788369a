"""Who may use what through which path: one compiled policy, the same for list, call and every other way there."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.documents_access import PromptFilter, ResourceFilter, ToolFilter
from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.gates.mcp.arguments import arguments_of
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.kinds import Kind
from triplegate.gates.mcp.names import full_name
from triplegate.gates.mcp.oauth import insufficient
from triplegate.gates.mcp.patterns import glob, readings
from triplegate.gates.mcp.rules import Rule, compiled
from triplegate.gates.mcp.when import about

Teams = frozenset[str] | None
"""Teams that may; None = all."""
Fits = Callable[[str], bool]

NONE: frozenset[str] = frozenset()
"""No scopes."""

_MOST = 8192  # callers, and items of which the rules that concern them are remembered


class ServerAccess(msgspec.Struct, frozen=True, eq=False):
    """What one server's document allows."""

    alias: str
    teams: Teams
    tools: Fits
    prompts: Fits
    resources: Fits
    rules: tuple[Rule, ...]

    def passes(self, kind: Kind, name: str) -> bool:
        """Whether an item is passed on at all."""
        if kind == "tool":
            return self.tools(name)
        return self.prompts(name) if kind == "prompt" else all(map(self.resources, readings(name)))


class VirtualAccess(msgspec.Struct, frozen=True, eq=False):
    """What one virtual server's document allows; patterns are matched with full names."""

    teams: Teams
    tools: Fits
    prompts: Fits
    resources: Fits
    rules: tuple[Rule, ...]

    def selects(self, kind: Kind, alias: str, name: str) -> bool:
        """Whether it has an item."""
        if kind == "tool":
            return self.tools(full_name(alias, name))
        if kind == "prompt":
            return self.prompts(full_name(alias, name))
        return all(self.resources(full_name(alias, reading)) for reading in readings(name))


class Access:
    """The verdicts of one snapshot. `virtual` is "" for the endpoint of everything."""

    __slots__ = ("_anybody", "_concerning", "_everywhere", "_judged", "_known", "_servers", "_virtual")

    def __init__(self, documents: Documents) -> None:
        self._servers = {
            name: ServerAccess(
                document.alias or name,
                teams(document.teams),
                _filter(document.tools),
                _filter(document.prompts),
                _filter(document.resources),
                compiled(document.access, partial(documents.origin, "servers", name, "access")),
            )
            for name, document in documents.servers.items()
        }
        self._virtual = {
            name: VirtualAccess(
                teams(document.teams),
                glob(document.tools),
                glob(document.prompts),
                glob(document.resources),
                compiled(document.access, partial(documents.origin, "virtual_servers", name, "access")),
            )
            for name, document in documents.virtual_servers.items()
        }
        self._everywhere = compiled(documents.mcp.access, partial(documents.origin, "mcp", "access"))
        placed = [place.rules for place in self._servers.values()] + [place.rules for place in self._virtual.values()]
        self._judged = tuple(chain(self._everywhere, *placed))
        self._anybody = Caller(self, ())
        self._known: dict[int, tuple[Principal, Caller]] = {}
        self._concerning: dict[tuple[str, str, Kind, str], tuple[Rule, ...]] = {}

    def may_enter(self, virtual: str, principal: Principal) -> bool:
        """Whether this path exists for this caller."""
        if not virtual:
            return True
        found = self._virtual.get(virtual)
        return found is not None and _is_one_of(principal, found.teams)

    def servers(self, principal: Principal) -> tuple[str, ...]:
        """The servers this caller's team may use, in the order of their names."""
        return tuple(name for name in sorted(self._servers) if _is_one_of(principal, self._servers[name].teams))

    def of(self, principal: Principal) -> "Caller":
        """What rules say of this caller, before any call."""
        if not self._judged:
            return self._anybody
        known = self._known.get(id(principal))
        if known is None or known[0] is not principal:
            if len(self._known) >= _MOST:
                self._known.clear()
            caller = Caller(self, tuple([rule for rule in self._judged if rule.hides(principal)]))
            known = self._known[id(principal)] = (principal, caller)
        return known[1]

    def selects(self, virtual: str, server: str, kind: Kind, name: str) -> bool:
        """Whether this path shows an item (by its own name at its server) to anybody at all."""
        place = self._servers[server]
        if not place.passes(kind, name):
            return False
        return not virtual or self._virtual[virtual].selects(kind, place.alias, name)

    def require(self, principal: Principal, virtual: str, call: McpCall, needed: frozenset[str] = NONE) -> None:
        """The rest of the verdict on a call whose item is there: scopes, then what the call says.

        `needed`: scopes of the path. Raises Refusal insufficient_scope, which names all that the call needs, and
        arguments_forbidden.
        """
        lacking = not needed <= principal.scopes
        item = call.item
        if item is not None and self._judged:
            rules = self.concerning(virtual, item.server.name, item.kind, item.own.name)
            lacking = lacking or any(rule.lacks(principal) for rule in rules)
            needed = needed.union(*[rule.scopes for rule in rules])
        if lacking:
            raise insufficient(needed)
        if item is None or not self._judged:
            return
        asking = [rule for rule in rules if rule.asks_arguments]
        if asking:
            asked = about(principal) | {"args": arguments_of(call)}
            for rule in asking:
                if rule.refuses(principal, asked):
                    raise _forbidden(rule)

    def scopes(self, virtual: str, item: Item) -> frozenset[str]:
        """All scopes that the rules for an item ask for."""
        rules = self.concerning(virtual, item.server.name, item.kind, item.own.name) if self._judged else ()
        return NONE.union(*[rule.scopes for rule in rules])

    def concerning(self, virtual: str, server: str, kind: Kind, name: str) -> tuple[Rule, ...]:
        """The rules for an item on a path: the gate's, the path's, the server's."""
        key = (virtual, server, kind, name)
        found = self._concerning.get(key)
        if found is None:
            place = self._servers[server]
            outer = self._everywhere + (self._virtual[virtual].rules if virtual else ())
            found = tuple(
                [rule for rule in outer if rule.concerns(kind, name, f"{place.alias}__")]
                + [rule for rule in place.rules if rule.concerns(kind, name)]
            )
            if len(self._concerning) >= _MOST:
                self._concerning.clear()
            self._concerning[key] = found
        return found


class Caller:
    """What a caller may use; callers of whom rules say the same have equal `standing`."""

    __slots__ = ("_access", "standing")

    def __init__(self, access: Access, hiding: tuple[Rule, ...]) -> None:
        self._access = access
        self.standing = hiding
        """The rules that hide something from this caller."""

    def permits(self, virtual: str, server: str, kind: Kind, name: str) -> bool:
        """Whether an item (by its own name at its server) exists for this caller; teams are judged before."""
        access = self._access
        if not access.selects(virtual, server, kind, name):
            return False
        hiding = self.standing
        return not hiding or not any(rule in hiding for rule in access.concerning(virtual, server, kind, name))


def _forbidden(rule: Rule) -> Refusal:
    detail = "A rule of this gateway forbids this call with these arguments."
    return Refusal("arguments_forbidden", detail, reason=f"the rule at {rule.origin}", policy="access")


def _filter(written: ToolFilter | PromptFilter | ResourceFilter) -> Fits:
    allows, denies = glob(written.allow), glob(written.deny)
    return lambda name: allows(name) and not denies(name)


def teams(listed: Iterable[str] | None) -> Teams:
    """As a set; absent stays absent: an empty list lets nobody in."""
    return None if listed is None else frozenset(listed)


def _is_one_of(principal: Principal, allowed: Teams) -> bool:
    return allowed is None or principal.team in allowed or principal.team_ref in allowed
