"""From documents to a gate: paths, prices, owners, what offline compilation leaves alone."""

from tests.builders import make_house, make_kit

from triplegate.config.documents import Documents
from triplegate.core.chains import Chains
from triplegate.gates.mcp.compile import compile_mcp
from triplegate.upstreams.supervisor import TaskSupervisor

SERVER = {"url": "http://127.0.0.1:1/mcp", "price": "0.25", "owner": "lab", "policies": []}


def compiled(**documents):
    kit = make_kit(supervisor=TaskSupervisor())
    made = Documents.model_validate(documents)
    return compile_mcp(made, kit, make_house(), "h", Chains("mcp", (), {}, {}, kit))


def test_the_gate_answers_on_its_path_and_below():
    gate = compiled(servers={"s": SERVER})
    assert (gate.gate.name, gate.paths, gate.prefixes) == ("mcp", ("/mcp",), ("/mcp/",))
    assert compiled(mcp={"path": "/tools/mcp"}).prefixes == ("/tools/mcp/",)


def test_each_path_has_routes_of_its_own():
    gate = compiled(
        servers={"s": SERVER, "free": {"url": "http://127.0.0.1:1/mcp"}}, virtual_servers={"v": {"tools": ["*"]}},
        mcp={"identity": "none", "owner": "web"},
    ).gate  # fmt: skip
    own, virtual = gate._endpoints[""], gate._endpoints["v"]
    assert (own.own.name, virtual.own.name) == ("mcp", "mcp/v")
    assert own.own.price is None
    assert own.own.anonymous.consumer == "anonymous"
    assert own.servers["s"].price.call == 2_500_000_000
    assert (own.servers["s"].owner, own.servers["free"].owner) == ("lab", "web")
    assert own.servers["free"].price is None
    assert own.servers["s"].targets[0][0] is virtual.servers["s"].targets[0][0]
