"""A hold here and one in the database are one: both grow, both end."""

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar
from triplegate.core.clock import SetClock
from triplegate.stores.sql.admission import SqlAdmission
from triplegate.stores.sql.budget_holds import together
from triplegate.stores.sql.engine import Database
from triplegate.upstreams.supervisor import TaskSupervisor

MONEY = Claim("web", Limit("web", "budget", "money", 100, Calendar("month")), 10)
TOKENS = Claim("t", Limit("t", "rate", "total", 100, 60.0), 10)


async def test_both_are_extended_settled_and_released(database: Database) -> None:
    clock, supervisor = SetClock(), TaskSupervisor()
    admission = SqlAdmission(database, clock, supervisor, wall=clock.wall)

    async def left() -> list[int]:
        return [one.remaining for one in await admission.peek((MONEY, TOKENS))]

    first = (await admission.take((MONEY, TOKENS), 30.0)).hold
    second = (await admission.take((MONEY, TOKENS), 30.0)).hold
    assert first is not None
    assert second is not None
    assert await first.extend({"money": 50, "total": 40})
    assert await left() == [40, 50]
    assert not await first.extend({"money": 500, "total": 60})
    assert await left() == [40, 50]
    first.settle({"money": 5, "total": 5})
    second.release()
    money, tokens = await left()
    assert (money, tokens > 50) == (95, True)
    assert not await second.extend({})
    await supervisor.close()


def test_one_alone_is_itself() -> None:
    assert together(None, None) is None
