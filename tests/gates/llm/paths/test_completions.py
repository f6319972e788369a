"""POST /completions through the gate: translated, or passed to a provider that speaks it."""

import json

from tests.gates.built import always, answer, built
from tests.gates.llm.calls import OK, configuration
from tests.hostile.scripted import Upstream

from triplegate.gates.llm.paths.completions import COMPLETIONS

BODY = json.dumps({"model": "m", "prompt": "Say"}).encode()
THEIRS = (
    b'{"id":"c","object":"text_completion","choices":[{"text":"x"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}'
)


def config(url, speaks):
    text = configuration({"p": url}, {"m": "{deployments: [{provider: p, model: x}]}"})
    return text.replace("auth: null,", f"auth: null, speaks: [{speaks}],")


def test_it_belongs_to_the_dialect():
    assert (COMPLETIONS.path, COMPLETIONS.family, COMPLETIONS.generates) == (b"/completions", "completions", True)


async def test_a_chat_provider_gets_the_prompt_as_a_message(tmp_path):
    async with Upstream(always(OK)) as provider, built(tmp_path, config(provider.url, "")) as made:
        _, wire = await made.serve("POST", "/v1/completions", body=BODY)
        _, refused = await made.serve("POST", "/v1/completions", body=b'{"model":"m","prompt":[1,2]}')
    said = json.loads(wire.content)
    assert (said["object"], said["model"], said["usage"]["total_tokens"]) == ("text_completion", "m", 15)
    assert b'"messages":[{"role":"user","content":"Say"}]' in bytes(provider.talks[0].received)
    assert (refused.status, json.loads(refused.content)["error"]["param"]) == (400, "prompt")


async def test_a_provider_that_speaks_it_gets_the_bytes(tmp_path):
    async with (
        Upstream(always(answer(THEIRS))) as provider,
        built(tmp_path, config(provider.url, "completions")) as made,
    ):
        exchange, wire = await made.serve("POST", "/v1/completions", body=BODY)
    assert (wire.content, exchange.usage.total) == (THEIRS, 4)
    assert b"POST /v1/completions" in bytes(provider.talks[0].received)
