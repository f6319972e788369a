"""Canaries: a virtual key and what clients send beside it are found nowhere but where they belong (I-L1, I-L9)."""

import base64
import hashlib
import time

import httpx
import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.hostile.raw import Recorder, Wire, ask, get, post
from tests.journeys.running import House, records, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
telemetry: {{access_log: stdout, sample: 1}}
services: {{echo: {{endpoints: ["http://127.0.0.1:{echo}"]}}}}
routes:
  guarded: {{service: echo, match: {{path: /guarded}}, price: 0.001, policies: [{{use: key_auth}}]}}
  public: {{service: echo, match: {{path: /public}}, identity: none, owner: web, records: each}}
providers:
  scripted: {{base_url: "http://127.0.0.1:{llm}/v1", auth: null, models: {{scripted: {{input: 1, output: 2}}}}}}
  keyed: {{base_url: "http://127.0.0.1:{echo}/v1", key: "env:PROVIDER_KEY"}}
models:
  plain: {{deployments: [{{provider: scripted, model: scripted}}]}}
  keyed: {{deployments: [{{provider: keyed, model: any}}]}}
servers: {{files: {{url: "http://127.0.0.1:{mcp}/mcp"}}}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
PROVIDER_KEY = "sk-canary-provider-Q7p2kX"
PRIVATE = ["canary-cookie-Zr81", "canary-query-Vb40", "canary-body-Lm57", "canary-token-Ww93", "canary-field-Kd66"]
CARRIERS = [
    "Authorization: Bearer {}",
    "authorization: bearer {}",
    "AUTHORIZATION: BEARER   {}",
    "Authorization: {}",
    "Authorization: Basic {}",
    "Authorization: Token {}",
    'Authorization: Bearer "{}"',
    "Authorization: Bearer\t{}",
    "Authorization: Bearer x,{}",
    "Authorization: Bearer key={}",
    "X-Api-Key: {}",
    "x-api-key: Bearer {}",
    "X-API-KEY: '{}'",
    "Api-Key: {}",
    "X-Goog-Api-Key: {}",
    "Proxy-Authorization: Bearer {}",
    "X-Triplegate-Key: {}",
]

ADMIN = ["keys", "exchanges", "config", "status", "routes", "upstreams", "usage?by=consumer&by=route", "tokens"]


class Place:
    """A gateway that logs all it can, and everything that could remember a secret."""

    def __init__(self, house, echo, samples):
        self.house, self.echo, self.samples = house, echo, samples
        self.key = house.key()

    def said(self):
        """Output, files of the state directory, metrics and what the admin API tells."""
        yield from (("output", line.encode()) for line in self.house.lines)
        for path in sorted(self.house.directory.rglob("*")):
            if path.is_file():
                yield str(path), path.read_bytes()
        if self.house.process is None:
            return
        yield "/metrics", httpx.get(f"{self.house.admin_url}/metrics", timeout=10).content
        for path in (
            "keys",
            "exchanges",
            "config",
            "status",
            "routes",
            "upstreams",
            "usage?by=consumer&by=route",
            "tokens",
        ):
            yield f"/{path}", self.house.admin("GET", f"/{path}").content
        for page in ("", "sign-in", "admin/v1/openapi.json"):
            headers = {"authorization": f"Bearer {self.house.owner}"}
            yield f"page /{page}", httpx.get(f"{self.house.admin_url}/{page}", headers=headers, timeout=10).content

    def find(self, *secrets):
        """Where one of these is found, plain or in base64."""
        marks = [secret.encode() for secret in secrets]
        marks += [base64.b64encode(mark)[:-4] for mark in marks]
        return [(where, mark) for where, content in self.said() for mark in marks if mark in content]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder, echo = tmp_path_factory.mktemp("secrets"), Recorder()
    with start_samples() as samples:
        write(folder, CONFIGURATION.format(echo=echo.port, llm=samples.ports["llm"], mcp=samples.ports["mcp"]))
        with House(folder, TRIPLEGATE_ACCESS_LOG="stdout", PROVIDER_KEY=PROVIDER_KEY) as house:
            yield Place(house, echo, samples)
    echo.close()


def drain_output(house):
    """Take in what it has said so far."""
    while not house._told.empty():
        line = house._told.get()
        if line is not None:
            house.lines.append(line)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("target", ["/public", "/guarded"])
def test_a_key_reaches_no_service_whatever_carries_it(place, target, carrier):
    place.echo.take()
    place.echo.raw.clear()
    answer = ask(place.house.port, get(target, carrier.format(place.key)))
    assert answer.status in ((200,) if target == "/public" else (200, 401))
    assert place.key.encode() not in place.echo.raw
    assert place.key[10:].encode() not in place.echo.raw
    assert place.key.encode() not in answer.body


def test_a_bearer_token_that_is_no_key_is_the_services(place):
    for value in ("Bearer eyJhbGciOi.tg_x.sig", "Basic dGdf", "Bearer atg_b"):
        place.echo.take()
        assert ask(place.house.port, get("/public", f"Authorization: {value}")).status == 200
        assert place.echo.take()[0].all("authorization") == [value]


INJECTED = [
    "' OR 1=1 --", '" OR ""="', "'; DROP TABLE keys; --", "1) UNION SELECT digest FROM keys --", "' || pg_sleep(5) --",
    "%27%20OR%201=1", "\\' OR 1=1", "admin'/*", "tg_live_' OR 1=1 --", "tg_live_0123456789_' UNION SELECT 1 --",
]  # fmt: skip
FORMS = ["Authorization: Bearer {}", "Authorization: Bearer tg_live_{}", "X-Api-Key: {}", "X-Api-Key: tg_{}_{}"]


def test_il1_no_string_in_a_key_is_anything_but_a_wrong_key(place):
    """CVE-2026-42208: 500 strings, one answer, at once."""
    seen, begun = set(), time.monotonic()
    with Wire(place.house.port) as wire:
        for number in range(13):
            for text in INJECTED:
                for form in FORMS:
                    line = form.replace("{}", text + "x" * number)
                    answer = wire.send(get("/guarded", line)).answer()
                    assert answer.status == 401
                    seen.add((answer.body.partition(b'"instance"')[0], answer.one("www-authenticate")))
    assert len(seen) <= 2  # no key at all, and a wrong one
    assert not any(b"SELECT" in body or b"syntax" in body for body, _ in seen)
    assert time.monotonic() - begun < 20


def test_a_wrong_key_is_told_nothing_about_the_right_one(place):
    other = "1" if place.key[-1] == "0" else "0"
    wrong = [place.key[:-1] + other, place.key[:30], place.key + "0", place.key.upper()]
    wrong.append(place.key.replace("live", "test"))
    answers = set()
    for key in wrong:
        answers.add(ask(place.house.port, get("/guarded", f"X-Api-Key: {key}")).body.partition(b'"instance"')[0])
    assert len(answers) == 1
    assert not any(key.encode() in body for body in answers for key in wrong)


async def test_il9_no_canary_is_found_after_a_day_of_work(place):
    cookie, query, body, token, field = PRIVATE
    lines = [f"Cookie: s={cookie}", f"X-Own: {field}", f"Authorization: Bearer {token}"]
    for target in ("/public", "/nowhere", "/guarded"):
        ask(place.house.port, post(f"{target}?q={query}", body.encode(), *lines))
        ask(place.house.port, post(f"{target}?q={query}", body.encode(), f"X-Api-Key: {place.key}", lines[0], lines[1]))
    ask(place.house.port, get(f"/public/%zz?{query}", *lines))
    ask(place.house.port, get("/public", "X_Bad: 1", *lines))
    async with httpx.AsyncClient(base_url=place.house.url, headers=bearer(place.key), timeout=15) as http:
        for model in ("plain", "keyed", "nowhere"):
            said = {"model": model, "messages": [{"role": "user", "content": body}]}
            await http.post("/v1/chat/completions", json=said)
            await http.post("/v1/chat/completions", json={**said, "stream": True})
        await http.post("/v1/chat/completions", content=b'{"model": "' + body.encode())
        session = await initialize(http, "/mcp")
        call = {"name": "files__echo", "arguments": {"text": body}}
        await http.post("/mcp", **legacy("tools/call", call, session=session))
        await http.post("/mcp", **modern("tools/call", call))
        await http.post("/mcp", **modern("tools/call", {"name": "files__nope", "arguments": {"text": body}}))
        await http.post("/mcp", content=b'{"jsonrpc": "' + body.encode())
    wrong = place.key[:-1] + ("0" if place.key[-1] != "0" else "1")
    ask(place.house.port, get("/guarded", f"X-Api-Key: {wrong}"))
    place.house.usage("route")
    drain_output(place.house)
    assert any("/guarded" in line for line in place.house.lines)  # the access log is on
    assert records(place.house.directory)
    secret = place.key.split("_")[3]
    hashes = [hashlib.sha256(place.key.encode()).hexdigest()]
    assert place.find(place.key, secret, wrong, PROVIDER_KEY, session, *hashes, *PRIVATE) == []
    assert place.find(place.key.split("_")[2])  # its id is no secret: it would be found
    sent = bytes(place.echo.raw)
    assert PROVIDER_KEY.encode() in sent  # where it belongs
    assert place.key.encode() not in sent
    assert secret.encode() not in sent


def test_il9_nor_after_the_end(place):
    place.house.stop()
    drain_output(place.house)
    assert place.find(place.key, place.key.split("_")[3], PROVIDER_KEY, *PRIVATE) == []
    place.house.start()
