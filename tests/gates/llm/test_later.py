"""What is known later only: one record however often it is seen, counted by limits, which refuse nothing."""

from typing import ClassVar, Literal

import msgspec
from tests.builders import PlainGate, SetClock, make_exchange, make_kit

from triplegate.core.admission import Claim, Limit
from triplegate.core.allowance import Allowance
from triplegate.core.calendar import Calendar
from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains
from triplegate.core.demand import money_wanted, tokens_wanted
from triplegate.core.errors import Refusal
from triplegate.core.money import Price, Rules
from triplegate.core.policy import Policy, Stage
from triplegate.core.usage import Usage
from triplegate.gates.llm.charged import Charged
from triplegate.gates.llm.later import Ended, Later, priced
from triplegate.gates.llm.model import Model
from triplegate.policies.token_limit import TokenLimit
from triplegate.stores.memory.store import MemoryStore


class Wants(Policy):
    """Claims of a call, of output tokens and of money."""

    use: Literal["wants"] = "wants"
    stage: ClassVar = Stage.ADMIT

    def claims(self, exchange, target):
        yield Claim("calls", Limit("calls", "rate", "requests", 1, 3600.0))
        yield Claim("output", Limit("output", "budget", "output", 100, 3600.0), tokens_wanted(exchange, "output"))
        yield Claim("money", Limit("money", "budget", "money", 100, 3600.0), money_wanted(exchange, target))


class Wiring:
    provider = "p"


class Bench:
    def __init__(self, once=None, policies=None):
        clock = SetClock()
        self.store = MemoryStore(clock)
        kit = make_kit(clock=clock, admission=self.store.admission, once=once or self.store.once)
        chains = Chains("llm", (), {"free": ()}, {}, kit)
        gate = PlainGate()
        chains.bind(gate)
        self.target = Target("deployment", "p/x", group="g", wiring=Wiring())
        self.route = Route("m", "llm", "acme/web", policies or (Wants(),), ((self.target, 1),))
        self.model = Model(self.route, (), (), None, (), (), None)
        self.later, self.exchange = Later(kit, chains), make_exchange(gate)

    @property
    def records(self):
        return self.exchange.house.spool.records

    def ended(self, name="resp_1", charged=None, output=250, cost=40):
        usage = Usage(input_uncached=10, output_text=output, source="provider")
        return Ended(name, 17.0, self.model, self.target, usage, cost, "v1", charged)

    async def left(self):
        claims = tuple(Wants().claims(self.exchange, None))
        return {standing.claim.bucket: standing.remaining for standing in await self.store.admission.peek(claims)}


async def test_limits_count_what_was_used_even_more_than_they_had_and_calls_are_not_counted_twice():
    bench = Bench()
    await bench.later.book(bench.exchange, bench.ended())
    await bench.later.book(bench.exchange, bench.ended())
    assert await bench.left() == {"calls": 1, "output": 0, "money": 60}
    (record,) = bench.records
    assert (record.outcome, record.cost, record.list_cost, record.price_version) == ("ok", 40, 40, "v1")
    assert (record.parent, record.route, record.target) == (bench.exchange.id, "m", "p/x")
    assert (record.refusal, [one.provider for one in record.attempts]) == ("", ["p"])


async def test_only_the_rest_of_what_was_charged_is_counted():
    bench = Bench()
    await bench.later.book(bench.exchange, bench.ended(charged=Charged("aaaaaaaa", 4, 200, 30, 1)))
    assert await bench.left() == {"calls": 1, "output": 50, "money": 90}
    assert (bench.records[0].tokens[0], bench.records[0].tokens[6], bench.records[0].cost) == (6, 50, 10)


async def test_what_was_too_much_is_given_back_by_the_ledger_alone():
    bench = Bench()
    await bench.later.book(bench.exchange, bench.ended(charged=Charged("aaaaaaaa", 40, 300, 90, 1)))
    assert await bench.left() == {"calls": 1, "output": 100, "money": 100}
    assert (bench.records[0].tokens[6], bench.records[0].cost) == (-50, -50)
    assert bench.records[0].attempts[0].usage_source == "none"


async def test_the_shipped_limits_and_a_callers_own_budget_count_it_too():
    limit = TokenLimit(output=1000, window=3600.0, oversize="refuse")
    at_target = TokenLimit(name="there", total=1000, window=3600.0, by="deployment")
    budget = Allowance("team:acme/web/budget", Limit("b", "budget", "money", 100, Calendar("month")), "team")
    bench = Bench(policies=(limit, at_target))
    bench.exchange.principal = msgspec.structs.replace(bench.exchange.principal, budgets=(budget,))
    await bench.later.book(bench.exchange, bench.ended(output=2500, cost=90))
    (record,) = bench.records
    assert record.outcome == "ok"
    bench.exchange.route, bench.exchange.demand = bench.route, Asks()
    claims = [*limit.claims(bench.exchange, None), *at_target.claims(bench.exchange, bench.target)]
    claims += budget.claims(bench.exchange, None)
    standings = await bench.store.admission.peek(tuple(claims))
    assert [standing.remaining for standing in standings] == [0, 0, 10]


class Asks:
    def tokens(self, dimension, reservation):
        return 1

    def money(self, target, reservation):
        return 1


async def test_other_names_other_records():
    bench = Bench()
    for name in ("resp_1", "resp_2"):
        await bench.later.book(bench.exchange, bench.ended(name, output=1, cost=1))
    assert len({record.exchange for record in bench.records}) == 2
    assert all(len(record.exchange) == 26 for record in bench.records)


async def test_where_nobody_can_remember_the_ledger_gets_it_each_time_under_one_id():
    class Full:
        async def first(self, name, ttl):
            raise Refusal("overloaded", "full")

    bench = Bench(Full())
    for _ in range(2):
        await bench.later.book(bench.exchange, bench.ended())
    assert len({record.exchange for record in bench.records}) == 1


def test_many_calls_cost_what_each_of_them_would():
    long = Price("long", input=100, output=100)
    price = Price("v", call=7, input=10**6, output=0, rules=Rules(above=((1000, long),)))
    usage = Usage(input_uncached=5000, source="provider")
    assert priced(price, usage, 0.0, calls=10) == (5000 + 70, "v")
    assert priced(price, usage, 0.0) == (0, "long")
    assert priced(None, usage, 0.0) == (0, "")
