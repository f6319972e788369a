"""Two workers with `state: sql` spend of one budget; what one has not written yet is there after its end."""

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar
from triplegate.core.clock import SystemClock
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.state import SqlState
from triplegate.upstreams.supervisor import TaskSupervisor

LIMIT = Limit("web", "budget", "money", 100, Calendar("month"))
RATE = Limit("calls", "rate", "requests", 10, 60.0)


async def test_budgets_are_shared_and_rates_are_shares(database: Database, url: str) -> None:
    supervisor = TaskSupervisor()
    here, there = (SqlState(url, SystemClock(), supervisor, nodes=2) for _ in range(2))
    await here.open()
    taken = await here.admission.take((Claim("web", LIMIT, 60), Claim("r", RATE)), 30.0)
    assert [one.remaining for one in taken.standings] == [40, 4]
    assert (await there.admission.take((Claim("web", LIMIT, 60),), 30.0)).retry_after is not None
    await supervisor.close()
    assert taken.hold is not None
    taken.hold.settle({"money": 10})
    here.close()
    await here.end()
    assert (await there.admission.take((Claim("web", LIMIT, 90),), 30.0)).retry_after is None
    await there.end()
