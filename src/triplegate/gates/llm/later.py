"""What is known later only: calls that ran on at a provider are booked when their end is seen, each of them once."""

import contextlib
import hashlib
from collections.abc import Iterable

import msgspec

from triplegate.core.admission import Admission, Claim, Claimant, Taker
from triplegate.core.catalog import Target
from triplegate.core.chains import Chains
from triplegate.core.demand import Counted, Reservation
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.money import Price
from triplegate.core.ports import Kit, Once
from triplegate.core.ulid import encode
from triplegate.core.usage import Usage
from triplegate.gates.llm.charged import Charged
from triplegate.gates.llm.model import Model

_DAY = 86_400.0
"""Seconds for which it is remembered that something was booked; after that the ledger alone knows."""
_HOUR = 3_600.0
_COUNTED = frozenset({"input", "output", "total", "money"})
_TIME = (1 << 48) - 1


class Ended(msgspec.Struct, frozen=True, eq=False):
    """Something that ran on at a provider, and what it used in all."""

    name: str
    """Its id there: what it is booked by."""
    created: float
    """Unix seconds; the same whoever sees its end."""
    model: Model
    target: Target
    usage: Usage
    cost: int
    version: str
    """Of the price."""
    charged: Charged | None = None
    """What of it stands in the ledger."""

    def rest(self) -> tuple[Usage, int]:
        """Usage and cost that are not booked yet."""
        if self.charged is None:
            return self.usage, self.cost
        return self.charged.less(self.usage), self.cost - self.charged.cost


class Later:
    """Writes records of what ended, by ids that follow from its name: the ledger keeps one of each, whoever saw it."""

    __slots__ = ("_admission", "_chains", "_once")

    def __init__(self, kit: Kit, chains: Chains) -> None:
        self._once: Once = kit.once
        self._admission: Admission = kit.admission
        self._chains = chains

    async def book(self, exchange: Exchange, ended: Ended) -> None:
        """Book what `exchange` has seen the end of, to its team; limits and budgets count it, and refuse nothing."""
        principal = exchange.principal
        assert principal is not None
        name = _id_of(principal.team_ref, ended)
        if not await self._first(name):
            return
        child = _child(exchange, name, ended)
        usage, cost = ended.rest()
        if cost > 0 or usage.total > 0:
            await self._count(child, ended)
        child.parent, child.depth = exchange, exchange.depth + 1
        child.close("ok")

    async def once(self, name: str) -> bool:
        """Whether something has its turn now: once an hour. Raises Refusal where nobody can tell."""
        return await self._once.first(f"llm-later|{name}", _HOUR)

    async def _first(self, name: str) -> bool:
        try:
            return await self._once.first(f"llm-ended|{name}", _DAY)
        except Refusal:
            return True  # the ledger keeps one of them in any case

    async def _count(self, child: Exchange, ended: Ended) -> None:
        """Take what was used of the limits of its model; it is used already, so that none of them can refuse it."""
        principal, target = child.principal, ended.target
        assert principal is not None
        with contextlib.suppress(Refusal):  # limits that cannot be had now: the ledger has it
            policies = self._chains.of(ended.model.route, principal).policies
            written = {one.label: one for one in policies if one.form == "claims"}.values()
            known = [Known(one, ended, target if one.each_attempt else None) for one in written]
            known += [Known(one, ended, target) for one in target.claimants]
            known += [Known(one, ended, None) for one in principal.budgets]
            child.principal = msgspec.structs.replace(principal, budgets=())
            child.admission = Taker(self._admission, tuple(known), child)
            await child.admission.take(None)
        child.decisions.clear()


class Known:
    """A claimant that is told whether anything was used, and only observes: of one unit, for more might not fit.

    What it took is settled to all that was used, like that of any call.
    """

    __slots__ = ("_ended", "_inner", "_target")

    def __init__(self, inner: Claimant, ended: Ended, target: Target | None) -> None:
        self._inner, self._ended, self._target = inner, ended, target

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """The claims of tokens and money."""
        exchange.demand = self
        for claim in self._inner.claims(exchange, self._target):
            if claim.amount > 0 and claim.limit.dimension in _COUNTED and claim.limit.family != "concurrent":
                yield msgspec.structs.replace(claim, amount=1, mode="observe")

    def tokens(self, dimension: Counted, reservation: Reservation) -> int:
        """Whether it used any that are not counted yet."""
        usage, _ = self._ended.rest()
        used = {"input": usage.input_total, "output": usage.output_total, "total": usage.total}[dimension]
        return 1 if used > 0 else 0

    def learn(self, target: Target, usage: Usage) -> None:
        """Nothing: it was no estimate."""

    def money(self, target: Target | None, reservation: Reservation) -> int:
        """Whether it cost anything that is not counted yet."""
        return 1 if self._ended.rest()[1] > 0 else 0


def priced(price: Price | None, usage: Usage, at: float, calls: int = 1) -> tuple[int, str]:
    """Cost of `usage` by as many calls, and the price's version; how long an input was is known on average only."""
    if price is None:
        return 0, ""
    tokens = usage.tokens()
    if price.rules is not None:
        price = price.applied(tuple([count // max(1, calls) for count in tokens]), usage.tier, at)
    return price.flat(tokens, usage.tool_units) + price.call * (calls - 1), price.version


def _id_of(team: str, ended: Ended) -> str:
    """The exchange id under which this is booked, whichever node sees it, and however often."""
    told = hashlib.sha256(f"{team}\0{ended.target.group}\0{ended.name}".encode()).digest()
    return encode((int(ended.created * 1000) & _TIME) << 80 | int.from_bytes(told[:10], "big"))


def _child(exchange: Exchange, name: str, ended: Ended) -> Exchange:
    house = exchange.house
    child = Exchange(name, exchange.gate, exchange.inbound, house, house.clock.now())
    child.snapshot, child.principal, child.call = exchange.snapshot, exchange.principal, exchange.call
    child.route, child.target = ended.model.route, ended.target.name
    child.request_id, child.trace = exchange.request_id, exchange.trace
    child.usage, cost = ended.rest()
    attempt = child.attempt(ended.target)
    attempt.provider, attempt.adopted = ended.target.wiring.provider, True
    attempt.cost, attempt.price_version, attempt.numbers.status = cost, ended.version, 200
    if min(child.usage.tokens()) >= 0:  # what was too much is no call's
        attempt.usage = child.usage
    child.numbers.status, child.numbers.price_version = 200, ended.version
    child.numbers.list_cost = cost
    return child
