"""An attempt counts at its endpoint from its begin to its end, once."""

from tests.builders import make_exchange, make_kit

from triplegate.config.documents_base import Connections
from triplegate.upstreams.endpoint import Endpoint, Standing, Use
from triplegate.upstreams.reach import reach
from triplegate.upstreams.supervisor import TaskSupervisor


def endpoint(url="http://127.0.0.1:1"):
    reached = reach(url, None, Connections(), make_kit(supervisor=TaskSupervisor()))
    return Endpoint(url, reached.pool.origin, reached.pool, reached.base, Standing())


def test_a_use_counts_until_it_ends_and_ends_once():
    where = endpoint()
    first, second = Use(where), Use(where)
    assert (where.standing.active, where.standing.calls) == (2, 2)
    first.end()
    first.end()
    first.closed(make_exchange())
    assert where.standing.active == 1
    second.closed(make_exchange())
    assert (where.standing.active, where.standing.calls) == (0, 2)
