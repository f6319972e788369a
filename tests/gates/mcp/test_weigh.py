"""What `explain` tells of the server that a call would go to."""

from types import SimpleNamespace

from tests.builders import make_kit
from tests.gates.mcp.test_server import make

from triplegate.core.fold import fold
from triplegate.gates.mcp.weigh import weigh
from triplegate.policies.breaker import Breaker
from triplegate.upstreams.supervisor import TaskSupervisor


def told(server, *policies):
    chain = fold(policies, None, make_kit(supervisor=TaskSupervisor()))
    route = SimpleNamespace(targets=((SimpleNamespace(wiring=server), 1),))
    return weigh(SimpleNamespace(route=route, chain=chain))


def test_the_server_is_named_with_what_leaves_it_alone():
    server = make(health={"interval": "20s"}, auth={"bearer": "env:NOT_THERE"})
    asked = "files: asked every 20 s whether it is well, left alone after 3 bad answers"
    place, missing, breaker, health = told(server, Breaker(failures=3, rate=0.5, slow=2.0))
    assert place == "files: http://127.0.0.1:1/mcp"
    assert missing == "files: cannot be called: nothing at env:NOT_THERE"
    assert breaker.startswith(
        "files: left alone for 5 s after 3 failures in a row or 50% of its calls failed in 10 s or"
    )
    assert health == asked
    assert told(make())[1:] == ["files: no breaker", "files: its health is not asked"]


def test_what_the_gate_answers_itself_goes_nowhere():
    assert weigh(SimpleNamespace(route=SimpleNamespace(targets=()))) == []
