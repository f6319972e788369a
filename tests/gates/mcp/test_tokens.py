"""Tokens of our own: one request for all who wait, used until shortly before their end, and never the client's."""

import asyncio
import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.authorization_server import AuthorizationServer
from tests.builders import DictSecrets, make_kit
from tests.gates.mcp.messages import bearer, modern
from tests.gates.mcp.offering import Offering

from triplegate.config.documents_oauth import ClientCredentials
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.gates.mcp.tokens import Tokens
from triplegate.samples.http import Answer
from triplegate.upstreams.dial import HttpxDial
from triplegate.upstreams.supervisor import TaskSupervisor

URL = "https://mcp.example.com/mcp"
ISSUER = "https://login.example.com/tenant"


class Dial:
    """Answers what a test says, and keeps what was asked."""

    def __init__(self):
        self.asked = []
        self.answers = {}
        self.lasts = 3600
        self.open = asyncio.Event()
        self.open.set()

    async def fetch(self, method, url, headers, body=b""):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append((method, url, dict(headers), form))
        await self.open.wait()
        answer = self.answers.get(url) or {
            "access_token": f"token-{len(self.asked)}", "token_type": "bearer", "expires_in": self.lasts
        }  # fmt: skip
        if isinstance(answer, int):
            return answer, [], b"{}"
        return 200, [], answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def make(**fields):
    clock, dial = SetClock(), Dial()
    kit = make_kit(clock=clock, dial=dial, supervisor=TaskSupervisor(), secrets=DictSecrets({"env:S": "s e:c/ret"}))
    written = {"client_id": "gate:way", "client_secret": "env:S", "token_url": "https://login.example.com/token"}
    written |= fields
    document = ClientCredentials.model_validate({name: value for name, value in written.items() if value is not None})
    return Tokens(document, URL, kit), clock, dial, kit, document


async def token(tokens):
    found = tokens.header()
    return found if isinstance(found, bytes) else await found


async def test_a_hundred_calls_wait_for_one_token():
    tokens, _, dial, _, _ = make()
    dial.open.clear()
    waiting = asyncio.gather(*[token(tokens) for _ in range(100)])
    await asyncio.sleep(0)
    dial.open.set()
    assert set(await waiting) == {b"Bearer token-1"}
    assert await token(tokens) == b"Bearer token-1"
    assert len(dial.asked) == 1


async def test_it_is_asked_for_with_our_credentials_for_that_server_alone():
    tokens, _, dial, _, _ = make(scopes=["a", "b"])
    await token(tokens)
    method, url, headers, form = dial.asked[0]
    assert (method, url) == ("POST", "https://login.example.com/token")
    pair = base64.b64decode(headers[b"authorization"].removeprefix(b"Basic ")).decode()
    assert pair == "gate%3Away:s+e%3Ac%2Fret"
    assert form == {"grant_type": "client_credentials", "resource": URL, "scope": "a b"}
    posted, _, dial, _, _ = make(method="post", resource="https://other.example.com/")
    await token(posted)
    _, _, headers, form = dial.asked[0]
    assert b"authorization" not in headers
    assert (form["client_id"], form["client_secret"]) == ("gate:way", "s e:c/ret")
    assert form["resource"] == "https://other.example.com/"


async def test_it_is_used_until_thirty_seconds_before_its_end():
    tokens, clock, dial, _, _ = make()
    dial.lasts = 100
    assert await token(tokens) == b"Bearer token-1"
    clock.advance(69)
    assert await token(tokens) == b"Bearer token-1"
    clock.advance(2)
    assert await token(tokens) == b"Bearer token-2"


async def test_servers_with_the_same_credentials_share_it_over_reloads_and_others_do_not():
    tokens, _, dial, kit, document = make()
    await token(tokens)
    again = Tokens(document, URL, kit)
    assert await token(again) == b"Bearer token-1"
    elsewhere = Tokens(document, "https://other.example.com/mcp", kit)
    assert await token(elsewhere) == b"Bearer token-2"
    assert len(dial.asked) == 2


async def test_one_that_is_not_taken_is_not_used_again():
    tokens, _, _, _, _ = make()
    first = await token(tokens)
    assert tokens.reject(first)
    assert await token(tokens) == b"Bearer token-2"
    assert not tokens.reject(first)
    assert await token(tokens) == b"Bearer token-2"


BAD = {
    "refused": 401,
    "no JSON": b"<html>",
    "no token": {"token_type": "Bearer"},
    "another kind": {"access_token": "x", "token_type": "mac"},
    "two lines": {"access_token": "x\r\ny: z", "token_type": "Bearer"},
    "empty": {"access_token": "", "token_type": "Bearer"},
}


@pytest.mark.parametrize("bad", BAD)
async def test_what_is_no_token_is_not_sent_and_not_asked_for_at_once_again(bad):
    tokens, clock, dial, _, _ = make()
    dial.answers["https://login.example.com/token"] = BAD[bad]
    for _ in range(3):
        with pytest.raises(Refusal, match="upstream_credentials") as caught:
            await token(tokens)
        assert "s e:c" not in caught.value.reason + caught.value.detail
    assert len(dial.asked) == 1
    dial.answers.clear()
    clock.advance(6)
    assert (await token(tokens)).startswith(b"Bearer token-")


async def test_an_issuer_says_where_and_must_be_the_one_that_was_asked():
    tokens, clock, dial, _, _ = make(token_url=None, issuer=ISSUER)
    where = "https://login.example.com/.well-known/oauth-authorization-server/tenant"
    dial.answers[where] = {"issuer": ISSUER, "token_endpoint": "https://login.example.com/t"}
    assert (await token(tokens)).startswith(b"Bearer ")
    assert [(method, url) for method, url, _, _ in dial.asked] == [
        ("GET", where),
        ("POST", "https://login.example.com/t"),
    ]
    clock.advance(4000)
    await token(tokens)
    assert len(dial.asked) == 3  # the place is remembered
    for told in (
        {"issuer": f"{ISSUER}/", "token_endpoint": "https://login.example.com/t"},
        {"issuer": ISSUER, "token_endpoint": "http://login.example.com/t"},
        {"issuer": ISSUER},
        404,
    ):
        tokens, _, dial, _, _ = make(token_url=None, issuer=ISSUER)
        dial.answers[where] = told
        with pytest.raises(Refusal, match="upstream_credentials"):
            await token(tokens)
        assert [method for method, _, _, _ in dial.asked] == ["GET"]


async def test_a_secret_that_is_not_there_is_named_by_its_place():
    tokens, _, dial, _, _ = make(client_secret="env:NO")
    assert tokens.missing == "nothing at env:NO"
    assert dial.asked == []


class Guarded(Offering):
    """Takes some tokens and no others."""

    def __init__(self):
        super().__init__(tools=b'{"name":"read"}')
        self.takes = {"Bearer given-1"}
        self.shown = []

    async def __call__(self, request):
        self.shown.append(request.header("authorization"))
        return await super().__call__(request) if self.shown[-1] in self.takes else Answer.json({}, 401)

    def answer(self, method, params):
        return {"content": []} if method == "tools/call" else super().answer(method, params)


async def test_a_server_sees_the_gateways_token_and_a_refused_one_is_replaced_once(house, serve, http):
    issuer, guarded = AuthorizationServer(), Guarded()
    login, server = await serve(issuer), await serve(guarded)
    gate = await house(
        f"servers: {{s: {{url: {server.url}/mcp, alias: files, auth: {{client_credentials: "
        f"{{token_url: {login.url}/token, client_id: gateway, client_secret: env:S}}}}}}}}\n",
        secrets={"env:S": "secret"},
        dial=HttpxDial(allow_private=True, ports=frozenset({urlsplit(login.url).port})),
    )
    key = gate.key()
    call = modern("tools/call", {"name": "files__read"}, headers=bearer(key))
    assert (await http.post(f"{gate.url}/mcp", **call)).json()["result"]["content"] == []
    guarded.takes = {"Bearer given-2"}
    assert (await http.post(f"{gate.url}/mcp", **call)).json()["result"]["content"] == []
    assert len(issuer.asked) == 2
    assert {given for given in guarded.shown if given} == {"Bearer given-1", "Bearer given-2"}
    guarded.takes = set()
    refused = await http.post(f"{gate.url}/mcp", **call)
    assert (refused.status_code, refused.json()["error"]["data"]["refusal"]) == (502, "upstream_credentials")
    assert len(issuer.asked) == 3
    assert not any(key in shown for shown in guarded.shown)
