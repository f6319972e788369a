"""Name servers that never answer: calls are told soon, other names lead on, and the gateway ends when asked."""

import asyncio
import os
import textwrap
import time
from collections import Counter

import pytest
from tests.chaos.calls import Call
from tests.journeys.running import House, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
drain: {{grace: 1s}}
services:
  lost: {{endpoints: ["http://hangs.test:80"], timeouts: {{connect: 300ms}}}}
  known: {{endpoints: ["http://localhost:{orders}"]}}
routes:
  lost: {{service: lost, match: {{path: /lost}}, identity: none, owner: web}}
  known: {{service: known, match: {{path: /public/health}}, identity: none, owner: web}}
providers:
  lost: {{base_url: "http://hangs2.test/v1", auth: null, timeouts: {{connect: 300ms}}}}
models: {{plain: {{deployments: [{{provider: lost, model: m}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
RESOLVER = '''
"""Python's own hook at start: the system's resolver, which never answers for some names."""
import socket, time

ask = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    with open({log!r}, "a") as log:
        log.write(f"{{host}}\\n")
    if host.startswith("hangs"):
        time.sleep(300)
    return ask(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo
'''


@pytest.fixture(scope="module")
def samples():
    with start_samples() as running:
        yield running


@pytest.mark.long  # names are given ten seconds
async def test_f27_names_that_hang_keep_no_gateway_from_ending(samples, tmp_path):
    log = tmp_path / "asked"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(textwrap.dedent(RESOLVER.format(log=str(log))))
    write(tmp_path, CONFIGURATION.format(orders=samples.ports["orders"]))
    path = os.pathsep.join([str(hooks), *filter(None, [os.environ.get("PYTHONPATH")])])
    with House(tmp_path, PYTHONPATH=path) as house:
        key = await asyncio.to_thread(house.key)
        body = {"model": "plain", "messages": [{"role": "user", "content": "Hello"}]}
        calls = [Call(house.port, "/lost") for _ in range(100)]
        calls += [Call(house.port, "/v1/chat/completions", key=key, body=body) for _ in range(20)]
        known = [Call(house.port, "/public/health") for _ in range(20)]
        await asyncio.gather(*(call.begin() for call in (*calls, *known)))
        await asyncio.gather(*(call.finish() for call in (*calls, *known)))
        assert Counter(call.status for call in known) == {200: 20}
        assert {call.status for call in calls} <= {502, 503, 504}
        asked = Counter(log.read_text().split())
        assert (asked["hangs.test"], asked["hangs2.test"]) == (1, 1)
        begun = time.monotonic()
        assert await asyncio.to_thread(house.stop) == 0
        assert time.monotonic() - begun < 10
