"""What links share: the last one to go while the front closes is noticed."""

from triplegate.edge.front_terms import Terms
from triplegate.upstreams.supervisor import TaskSupervisor


async def test_the_last_link_is_noticed_only_while_the_front_closes():
    terms = Terms(supervisor=TaskSupervisor())
    one, other = object(), object()
    terms.links.update({one, other})
    terms.watched.add(one)
    terms.gone(one)
    assert (terms.links, terms.watched, terms.empty.is_set()) == ({other}, set(), False)
    terms.links.add(one)
    terms.closing = True
    terms.gone(one)
    assert not terms.empty.is_set()
    terms.gone(other)
    assert terms.empty.is_set()
