"""Who was told another question's answer may say that it was wrong: nobody else may, and only of what was told."""

import json

import pytest
from tests.policies.test_exact_cache import another, ask, caching, chat
from tests.policies.test_semantic_cache import POLICY, Steady, memory, taught

PATH = "/v1/cache/feedback"
__all__ = ["memory"]  # a fixture


def body(entry, *, right=False):
    return json.dumps({"entry": entry, "right": right}).encode()


async def told(made):
    for letter in "abcdefghijklmnop":
        _, wire = await ask(made, chat(f"How does thing wordz{letter} work?"))
        if b"layer=semantic" in wire.field(b"x-triplegate-cache"):
            return wire.field(b"x-triplegate-cache").decode().partition("entry=")[2].partition(";")[0]
    raise AssertionError("nothing was told")


async def test_a_wrong_entry_is_forgotten_and_counts_as_a_failed_audit(tmp_path, memory):
    async with caching(tmp_path, POLICY, Steady()) as (made, _):
        await taught(made, memory)
        entry = await told(made)
        namespace = next(iter(memory[0].namespaces.values()))
        _, wire = await made.serve("POST", PATH, body=body(entry, right=True))
        assert (wire.status, namespace.wrong) == (204, 0)
        _, wire = await made.serve("POST", PATH, body=body(entry), **another(made, "ops", "ci"))
        assert (wire.status, json.loads(wire.content)["error"]["code"]) == (404, "entry_not_found")
        _, wire = await made.serve("POST", PATH, body=body(entry))
        assert (wire.status, namespace.wrong) == (204, 1)
        _, wire = await made.serve("POST", PATH, body=body(entry))
        assert wire.status == 404


BAD = [b"", b"[]", b'{"entry": 3, "right": true}', b'{"entry": "e"}', b'{"entry":"e","right":true,"x":1}']


@pytest.mark.parametrize("said", BAD)
async def test_what_says_nothing_is_refused(tmp_path, said):
    async with caching(tmp_path) as (made, _):
        _, wire = await made.serve("POST", PATH, body=said)
        assert wire.status == 400
        _, wire = await made.serve("GET", PATH)
        assert wire.status == 405
