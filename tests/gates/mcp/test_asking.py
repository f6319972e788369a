"""Questions of our own: one answer out of whatever form it comes in."""

import pytest
from tests.builders import make_kit

from triplegate.config.documents_mcp import ServerDocument
from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.gates.mcp import asking
from triplegate.gates.mcp.asking import ask, error_code, field, media_type
from triplegate.gates.mcp.server import Server
from triplegate.samples.http import Answer
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor


@pytest.fixture
async def asked(serve):
    kits = []

    async def ask_one(answer):
        async def upstream(request):
            text = await request.body()
            identity = text.partition(b'"id":')[2].partition(b",")[0]
            return answer(identity)

        listening = await serve(upstream)
        kit = make_kit(supervisor=TaskSupervisor(), clock=SystemClock())
        kits.append(kit)
        server = Server("s", ServerDocument.model_validate({"url": f"{listening.url}/mcp"}), kit)
        return await ask(server, "tools/list", b"{}", [], 2.0)

    yield ask_one
    for kit in kits:
        for pool in kit.states.every(Pool):
            pool.close()


async def test_json_and_events_are_the_same_answer(asked):
    def as_json(identity):
        return Answer(b'{"jsonrpc":"2.0","id":%b,"result":{"a":1}}' % identity, 200, "application/json", [("x-a", "b")])

    def as_events(identity):
        note = b'id: 1\ndata:\n\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'
        return Answer(
            note + b'data: {"jsonrpc":"2.0","id":%b,"result":{"a":1}}\n\n' % identity, 200, "text/event-stream"
        )

    for form in (as_json, as_events):
        told = await asked(form)
        assert (told.status, bytes(told.env.result), told.error) == (200, b'{"a":1}', None)
    assert (await asked(as_json)).header(b"x-a") == b"b"


async def test_another_questions_answer_is_none(asked):
    told = await asked(
        lambda identity: Answer(b'{"jsonrpc":"2.0","id":%b9,"result":{}}' % identity, 200, "application/json")
    )
    assert told.env is None
    told = await asked(
        lambda _: Answer(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}', 400, "application/json")
    )
    assert (told.status, told.error) == (400, -32700)


async def test_an_endless_answer_is_refused(asked, monkeypatch):
    monkeypatch.setattr(asking, "LARGEST", 1000)
    with pytest.raises(Refusal, match="upstream_malformed"):
        await asked(lambda _: Answer(b" " * 2000, 200, "application/json"))


def test_fields_and_codes():
    headers = [(b"content-type", b"Application/JSON; charset=utf-8"), (b"a", b"1"), (b"a", b"2")]
    assert (media_type(headers), field(headers, b"a"), field(headers, b"b")) == (b"application/json", b"1", b"")
    assert [error_code(raw) for raw in (b'{"code":-1}', b'{"code":"x"}', b"7")] == [-1, -32603, -32603]
