"""Calls name a prompt and a version: the model reads it filled in, and so does everything that looks at the call."""

import contextlib
import json

import anthropic
import httpx
import httpx2
import openai
import pytest
from tests.gates.built import built
from tests.gates.llm.calls import one
from tests.hostile.scripted import Upstream
from tests.policies.test_exact_cache import PEOPLE, Vendor, settled

from triplegate.control.telemetry.finished import finished_of
from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.gates.llm.prompts import Prompts

PROMPTS = """
prompts:
  support:
    default: 2
    versions:
      1: {template: [{role: user, content: "Answer: {{question}}"}]}
      2:
        template:
          - {role: system, content: "You help the customers of {{shop}}."}
          - {role: user, content: "<question>{{question}}</question>"}
        variables:
          question: {longest: 100, escape: xml}
          shop: {default: Acme}
  secret: {teams: [ops], consumers: [web/bot], versions: {a: {template: [{role: user, content: hush}]}}}
"""
GUARD = ", policies: [{use: guardrail, words: [falcon]}, {use: exact_cache}]"
VARIABLES = {"question": "Is 1 < 2? {{shop}}"}
FILLED = [
    {"role": "system", "content": "You help the customers of Acme."},
    {"role": "user", "content": "<question>Is 1 &lt; 2? {{shop}}</question>"},
]


def inside(made, library):
    """The gateway of a test as a transport of the library that a vendor's client uses."""

    class Inside(library.AsyncBaseTransport):
        async def handle_async_request(self, request):
            headers = [(name.lower(), value) for name, value in request.headers.raw]
            path, body = request.url.path, await request.aread()
            _, wire = await made.serve(request.method, path, key=False, headers=headers, body=body)
            await settled(made)
            return library.Response(wire.status, headers=wire.headers, content=wire.content)

    return library.AsyncClient(transport=Inside())


@contextlib.asynccontextmanager
async def prompted(folder, more="", prompts=PROMPTS):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(folder, one(upstream.url, more) + prompts + PEOPLE) as made:
        yield made, vendor


@contextlib.asynccontextmanager
async def clients(made):
    """Those of OpenAI and of Anthropic."""
    more = {"api_key": made.key, "max_retries": 0}
    async with inside(made, httpx) as one_s, inside(made, httpx2) as other_s:
        yield (
            openai.AsyncOpenAI(base_url="http://a.test/v1", http_client=one_s, **more),
            anthropic.AsyncAnthropic(base_url="http://a.test", http_client=other_s, **more),
        )


async def test_the_vendors_own_clients_ask_for_prompts_in_every_dialect(tmp_path):
    prompt = {"id": "support", "version": "2", "variables": VARIABLES}
    async with prompted(tmp_path) as (made, vendor), clients(made) as (first, second):
        raw = await first.responses.with_raw_response.create(model="m", prompt=prompt, store=False)
        assert raw.parse().output_text == "answer 1"
        assert raw.headers["x-triplegate-prompt"] == "support@2"
        mine = {"role": "user", "content": "Be quick."}
        await first.responses.create(model="m", prompt=prompt, input="Be quick.", store=False)
        await first.chat.completions.create(model="m", messages=[], extra_body={"prompt": prompt})
        await first.chat.completions.create(model="m", messages=[mine], extra_body={"prompt": prompt})
        answer = await second.messages.create(model="m", max_tokens=9, messages=[], extra_body={"prompt": prompt})
        assert answer.content[0].text == "answer 5"
        counted = await second.messages.count_tokens(model="m", messages=[], extra_body={"prompt": prompt})
        assert counted.input_tokens > 10
    said = [body["messages"] for body in vendor.bodies]
    assert said == [FILLED, [*FILLED, mine], FILLED, [*FILLED, mine], FILLED]
    assert not any("prompt" in body for body in vendor.bodies)


async def test_what_the_vendor_s_client_may_give_as_a_text_is_one(tmp_path):
    given = {"question": {"type": "input_text", "text": "Why?"}}
    async with prompted(tmp_path) as (made, vendor), clients(made) as (client, _):
        await client.responses.create(model="m", prompt={"id": "support", "variables": given}, store=False)
        picture = {"question": {"type": "input_image", "image_url": "https://x/", "detail": "low"}}
        with pytest.raises(openai.BadRequestError, match="question of the prompt support@2 takes a text"):
            await client.responses.create(model="m", prompt={"id": "support", "variables": picture}, store=False)
    assert vendor.bodies[0]["messages"][1]["content"] == "<question>Why?</question>"


def asking(prompt, **more):
    return json.dumps({"model": "m", "messages": [], "prompt": prompt} | more).encode()


async def ask(made, prompt, **more):
    with contextlib.suppress(Refusal):
        exchange, wire = await made.serve("POST", "/v1/chat/completions", body=asking(prompt, **more))
        await settled(made)
        return exchange, wire.status, json.loads(wire.content)
    raise AssertionError("a refusal is rendered")


@pytest.mark.parametrize(
    ("prompt", "status", "words"),
    [
        ({"id": "nothing"}, 404, "There is no prompt nothing."),
        ({"id": "secret", "version": "a"}, 404, "There is no prompt secret."),
        ({"id": "pmpt_1"}, 404, "There is no prompt pmpt_1."),
        ({"id": "support", "version": "3"}, 404, "There is no version 3 of the prompt support."),
        ({"id": "support"}, 400, "The prompt support@2 needs the variable question."),
        ({"id": "support", "version": 1}, 400, "The prompt support@1 needs the variable question."),
        ({"id": "support", "variables": {"a": "b"}}, 400, "The prompt support@2 has no variable a."),
        ({"id": "support", "variables": {"question": 7}}, 400, "question of the prompt support@2 takes a text."),
        ({"id": "support", "variables": {"question": "x" * 101}}, 400, "takes at most 100 characters."),
        ({"id": "support", "values": {}}, 400, "prompt takes an id"),
        ("support", 400, "prompt takes an id"),
    ],
)
async def test_what_cannot_be_filled_in_is_refused_by_name(tmp_path, prompt, status, words):
    async with prompted(tmp_path) as (made, vendor):
        _, told, body = await ask(made, prompt)
    assert (told, vendor.calls) == (status, 0)
    assert words in body["error"]["message"]


async def test_everything_that_looks_at_the_call_sees_it_filled_in(tmp_path):
    async with prompted(tmp_path, GUARD) as (made, vendor):
        exchange, status, body = await ask(made, {"id": "support", "variables": {"question": "the falcon?"}})
        assert (status, body["error"]["code"]) == (400, "content_blocked")
        assert ("prompt", "use", "support@2") in exchange.decisions
        for prompt in (
            {"id": "support", "version": 1, "variables": {"question": "who?"}},
            {"id": "support", "version": "1", "variables": {"question": "who?"}},
            {"id": "support", "version": "2", "variables": {"question": "who?"}},
            {"id": "support", "version": "1", "variables": {"question": "when?"}},
        ):
            exchange, status, _ = await ask(made, prompt)
            assert status == 200
        own = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Answer: who?"}]}).encode()
        exchange, _ = await made.serve("POST", "/v1/chat/completions", body=own)
        assert exchange.numbers.cache == "hit"
    assert vendor.calls == 3


async def test_an_old_version_is_there_for_as_long_as_it_is_written(tmp_path):
    newer = PROMPTS.replace("default: 2", "default: 1").replace("Answer:", "Say:")
    without = newer.replace('      1: {template: [{role: user, content: "Say: {{question}}"}]}\n', "").replace(
        "default: 1", "default: 2"
    )
    async with prompted(tmp_path) as (made, vendor):
        given = {"id": "support", "variables": {"question": "why?"}}
        for prompts in (PROMPTS, newer, without):
            made.take((tmp_path / "triplegate.yaml").read_text().partition("\nprompts:")[0] + prompts + PEOPLE)
            await ask(made, given)
            _, status, _ = await ask(made, given | {"version": "1"})
    assert status == 404
    assert [body["messages"][-1]["content"] for body in vendor.bodies] == [
        "<question>why?</question>",
        "Answer: why?",
        "Say: why?",
        "Say: why?",
        "<question>why?</question>",
    ]


def principal(org, team, consumer):
    return Principal(org, team, consumer, "", "", "key")


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (principal("acme", "ops", "ci"), True),
        (principal("acme", "web", "bot"), True),
        (principal("acme", "web", "ci"), False),
        (principal("acme", "lab", "bot"), False),
    ],
)
def test_teams_and_consumers_may_use_it_that_are_named(tmp_path, who, may):
    from tests.gates.built import documents_of

    prompts = Prompts(documents_of(tmp_path, PROMPTS).prompts)
    text = asking({"id": "secret", "version": "a"})
    if may:
        assert prompts.spelled_out("openai", text, who)[1] == "secret@a"
        return
    with pytest.raises(Refusal, match="prompt_not_found"):
        prompts.spelled_out("openai", text, who)


def test_what_asks_for_none_passes_as_it_came(tmp_path):
    from tests.gates.built import documents_of

    who = principal("acme", "web", "ci")
    prompts = Prompts(documents_of(tmp_path, PROMPTS).prompts)
    theirs = asking({"id": "pmpt_68", "variables": {}})
    assert prompts.spelled_out("openai_responses", theirs, who) == (theirs, "")  # a prompt that OpenAI keeps
    for family, text in (
        ("openai", b'{"messages":[{"content":"prompt"}]}'),
        ("openai", b'{"prompt":null,"messages":[]}'),
        ("completions", b'{"prompt":"once"}'),
    ):
        assert prompts.spelled_out(family, text, who) == (text, "")
    assert Prompts().spelled_out("openai", theirs, who) == (theirs, "")


def test_all_of_it_together_is_bounded(tmp_path, monkeypatch):
    from tests.gates.built import documents_of

    from triplegate.gates.llm import prompts as module

    monkeypatch.setattr(module, "_LARGEST", 50)
    text = asking({"id": "support", "variables": {"question": "x" * 60}})
    with pytest.raises(Refusal, match="longer than 50"):
        Prompts(documents_of(tmp_path, PROMPTS).prompts).spelled_out("openai", text, principal("acme", "web", "ci"))


async def test_which_one_it_was_is_told_to_whoever_watches(tmp_path):
    async with prompted(tmp_path) as (made, _):
        exchange, _, _ = await ask(made, {"id": "support", "variables": VARIABLES})
        record = next(one for one in made.records if one.kind == "final")
    assert finished_of(exchange, record).prompt == "support@2"
