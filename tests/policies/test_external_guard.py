"""Guards that others run decide what calls and answers may say; without their verdict nothing passes unless told so."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange, make_kit
from tests.gates.built import ListWire, answer, built, documents_of
from tests.gates.llm.calls import configuration, one
from tests.hostile.scripted import Upstream
from tests.policies.test_guardrail import CHAT, MESSAGES, RESPONSES, Vendor, ask, body_of, chat, told
from tests.servers.guards import EVIL, NAME, ScriptedGuard

from triplegate.config.faults import ConfigError
from triplegate.edge.serve import serve
from triplegate.policies.external_guard import ExternalGuard
from triplegate.upstreams.consult import consult
from triplegate.upstreams.pool import Pool

SECRET = "correct horse battery staple 4711"
FIELDS = {
    "moderation": 'url: "{url}/v1/moderations", vendor_model: omni, key: "env:KEY"',
    "presidio": 'url: "{url}"',
    "webhook": 'url: "{url}/check", secret: "env:HOOK", key: "env:KEY"',
    "judge": 'model: j, rule: "Nothing evil is said."',
}
SECRETS = {"env:KEY": "the-guards-key", "env:HOOK": "the-hooks-secret"}
MODES = ("slow", "broken", "garbage", "large", "redirect")
BAD = {"moderation": EVIL, "presidio": NAME, "webhook": EVIL, "judge": EVIL}


def most_of(first, second, usual):
    """Every pair of them; those that hold nothing `usual` only in the long run."""
    return [
        pytest.param(one, other, marks=[] if usual(one, other) else pytest.mark.long)
        for one in first
        for other in second
    ]


def one_dialect(kind, path):
    return kind == "webhook" or path == CHAT


def failing(kind, mode):
    return kind == "webhook" or mode == "garbage"


@contextlib.asynccontextmanager
async def guarded(folder, kind, *, mode="ok", vendor=None, guard="", policy="", before="", more=""):
    """A gateway whose model `m` has one guard of this kind; the judge is its model `j`."""
    vendor, script = vendor or Vendor(), ScriptedGuard(kind, mode)
    async with Upstream(vendor) as upstream, Upstream(script) as far:
        fields = FIELDS[kind].format(url=far.url)
        action = ", action: block" if kind == "presidio" and "action" not in guard else ""
        if "timeout" not in guard:  # the clock decides nothing where that is not what is tried
            guard += ", timeout: 30s"
        written = f"{{use: external_guard, name: g, guards: [{{kind: {kind}, {fields}{action}{guard}}}]{policy}}}"
        text = configuration(
            {"p": upstream.url, "q": far.url},
            {
                "m": f"{{deployments: [{{provider: p, model: x}}], policies: [{before}{written}{more}]}}",
                "j": "{deployments: [{provider: q, model: x}]}",
            },
        )
        async with built(folder, text, consult=consult, secrets=SECRETS) as made:
            yield made, vendor, script


async def refused(made, body, path=CHAT):
    """As a client has it: an answer of its own before anything was told, else in its place."""
    exchange, wire = made.open("POST", path, body=body), ListWire()
    await serve(exchange, wire, made.gateway.answer)
    return exchange, wire.status, wire.content


def verdicts(exchange):
    return [one[1] for one in exchange.decisions if one[0] == "g"]


# what they say is done ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "path"), most_of(FIELDS, (CHAT, MESSAGES, RESPONSES), one_dialect))
async def test_a_call_that_a_guard_forbids_is_never_sent(tmp_path, kind, path):
    async with guarded(tmp_path, kind, policy=", on: [input]") as (made, vendor, script):
        exchange, status, content = await refused(made, body_of(path, f"{SECRET} {BAD[kind]}"), path)
        _, good = await ask(made, body_of(path, "Good morning"), path)
    assert status == 400
    assert b"content_blocked" in content or b"A guard forbids" in content
    assert SECRET.encode() not in content
    assert verdicts(exchange)[0] == "block"
    assert good.status == 200
    assert len(vendor.bodies) == 1
    assert b"Good morning" in script.bodies[-1]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("kind", "path"), most_of(FIELDS, (CHAT, MESSAGES, RESPONSES), one_dialect))
async def test_an_answer_that_a_guard_forbids_is_never_told(tmp_path, kind, path, stream):
    vendor = Vendor(f"It begins well. {BAD[kind]} {SECRET}")
    async with guarded(tmp_path, kind, vendor=vendor, policy=", on: [output]") as (made, _, _):
        exchange, _, content = await refused(made, body_of(path, stream=stream), path)
        assert SECRET.encode() not in content
        assert b"It begins" not in content
        assert b"content_blocked" in content or b"A guard forbids" in content
        assert "block" in verdicts(exchange)
        vendor.texts = ("All is well.",)
        _, good = await ask(made, body_of(path, stream=stream), path)
        records = [one for one in made.records if one.kind == "final" and one.route == "m"]
    assert "All is well." in told(good)
    assert good.ended
    assert len(vendor.bodies) == 2  # nobody else is asked for the same
    assert all(record.cost > 0 for record in records)  # the model wrote it


@pytest.mark.parametrize("kind", ["presidio", "webhook"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_what_is_to_be_masked_is_masked_and_comes_back_where_that_is_said(tmp_path, kind, path):
    vendor = Vendor("You are {said}, not " + NAME)
    action = ", action: mask" if kind == "presidio" else ""
    policy = ", reversible: true, on: [input]"
    async with guarded(tmp_path, kind, vendor=vendor, guard=action, policy=policy) as (made, _, _):
        exchange, wire = await ask(made, body_of(path, f"🌍 I am {NAME}, {NAME}"), path)
        _, streamed = await ask(made, body_of(path, f"I am {NAME}", stream=True), path)
    assert "🌍 I am <PERSON_1>" in json.loads(vendor.bodies[0])["messages"][-1]["content"]
    assert "Lovelace" not in vendor.bodies[1]
    assert f"I am {NAME}" in told(wire)
    assert f"I am {NAME}" in told(streamed)
    assert verdicts(exchange) == ["mask"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_answers_are_masked_in_every_dialect_and_form(tmp_path, path, stream):
    vendor = Vendor(f"It was {NAME} 🌍, {NAME}.")
    policy = ", on: [output]"
    async with guarded(tmp_path, "presidio", vendor=vendor, guard=", action: mask", policy=policy) as (made, _, _):
        _, wire = await ask(made, body_of(path, stream=stream), path)
    assert wire.ended
    assert "It was <PERSON_1> 🌍, <PERSON_1>." in told(wire)
    assert b"Lovelace" not in wire.content


async def test_of_several_choices_only_the_one_that_is_forbidden_ends(tmp_path):
    vendor = Vendor("one is fine", f"two is {EVIL}", "three is fine")
    async with guarded(tmp_path, "webhook", vendor=vendor, policy=", on: [output]") as (made, _, script):
        _, whole = await ask(made, chat(n=3))
        _, wire = await ask(made, chat(n=3, stream=True))
    choices = json.loads(whole.content)["choices"]
    assert [one["finish_reason"] for one in choices] == ["stop", "content_filter", "stop"]
    assert [one["message"]["content"] for one in choices][::2] == ["one is fine", "three is fine"]
    assert EVIL.encode() not in whole.content + wire.content
    assert wire.content.count(b'"content_filter"') == 1
    assert len(script.bodies) == 6


async def test_only_what_tools_answered_where_that_is_said(tmp_path):
    call = {"id": "1", "type": "function", "function": {"name": "t", "arguments": json.dumps({"to": "mine"})}}
    messages = [{"role": "user", "content": EVIL}, {"role": "assistant", "tool_calls": [call]}]
    answered = [*messages, {"role": "tool", "tool_call_id": "1", "content": EVIL}]
    async with guarded(tmp_path, "webhook", policy=", on: [tool_results]") as (made, _, script):
        _, first = await ask(made, json.dumps({"model": "m", "messages": messages}).encode())
        assert script.bodies == []  # there is nothing to ask about
        _, status, _ = await refused(made, json.dumps({"model": "m", "messages": answered}).encode())
    assert (first.status, status) == (200, 400)
    assert [one["where"] for one in json.loads(script.bodies[0])["texts"]] == ["tool_results"]


async def test_each_text_is_sent_once_with_its_place_and_signed(tmp_path):
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}] * 2
    async with guarded(tmp_path, "webhook", policy=", on: [input]") as (made, _, script):
        exchange, _ = await ask(made, json.dumps({"model": "m", "messages": messages}).encode())
    body, head = script.bodies[0], script.heads[0].decode().lower()
    said = json.loads(body)
    assert [one["text"] for one in said["texts"]] == ["Be brief", "Hi"]
    assert (said["id"], said["model"], said["team"], said["consumer"]) == (exchange.id, "m", "acme/web", "ci")
    fields = dict(line.split(": ", 1) for line in script.heads[0].decode().split("\r\n")[1:] if line)
    fields = {name.lower(): value for name, value in fields.items()}
    signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
    mac = hmac.new(SECRETS["env:HOOK"].encode(), signed, hashlib.sha256).digest()
    assert fields["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert fields["authorization"] == "Bearer the-guards-key"
    assert "accept-encoding: identity" in head


async def test_connections_are_kept(tmp_path):
    async with guarded(tmp_path, "webhook", policy=", on: [input]") as (made, vendor, script):
        for _ in range(3):
            await ask(made)
        opened = sorted(pool.counters().opened for pool in made.kit.states.every(Pool))
    assert (len(vendor.bodies), len(script.bodies)) == (3, 3)
    assert opened == [1, 1]


# without a verdict --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "mode"),
    most_of(FIELDS, MODES, failing),
)
async def test_without_a_verdict_no_call_passes(tmp_path, kind, mode):
    timeout = ", timeout: 50ms" if mode == "slow" else ""
    async with guarded(tmp_path, kind, mode=mode, guard=timeout, policy=", on: [input]") as (made, vendor, _):
        exchange, status, content = await refused(made, chat(SECRET))
    assert status == 503
    assert json.loads(content)["error"]["code"] == "guard_unavailable"
    assert vendor.bodies == []
    assert verdicts(exchange)[0] == "failed closed"
    told_of_it = repr(exchange.decisions) + exchange.refusal.reason + repr(made.records) + content.decode()
    assert not [one for one in (SECRET, *SECRETS.values()) if one in told_of_it]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_without_a_verdict_no_answer_passes(tmp_path, path, stream):
    vendor = Vendor(f"{SECRET} and more")
    async with guarded(tmp_path, "webhook", mode="broken", vendor=vendor, policy=", on: [output]") as (made, _, _):
        exchange, _, content = await refused(made, body_of(path, stream=stream), path)
    assert SECRET.encode() not in content
    assert exchange.refusal.code == "guard_unavailable"
    assert len(vendor.bodies) == 1


@pytest.mark.parametrize(("kind", "mode"), most_of(FIELDS, MODES, failing))
async def test_where_it_may_fail_calls_and_answers_pass_and_it_is_said(tmp_path, kind, mode):
    vendor = Vendor("The whole answer.")
    guard = ", on_failure: open" + (", timeout: 50ms" if mode == "slow" else "")
    async with guarded(tmp_path, kind, mode=mode, vendor=vendor, guard=guard) as (made, _, _):
        exchange, wire = await ask(made, chat("Hello", stream=True))
        _, whole = await ask(made, chat("Hello"))
    assert told(wire) == "The whole answer."
    assert "The whole answer." in told(whole)
    assert verdicts(exchange) == ["failed open", "failed open"]


async def test_a_guard_that_is_not_there_refuses(tmp_path):
    async with Upstream(Vendor()) as upstream:
        written = '{use: external_guard, guards: [{kind: webhook, url: "http://127.0.0.1:9", timeout: 30s}]}'
        text = one(upstream.url, f", policies: [{written}]")
        async with built(tmp_path, text, consult=consult) as made:
            _, status, _ = await refused(made, chat())
    assert status == 503


async def test_more_than_it_may_be_given_is_refused_or_passes_as_is_said(tmp_path):
    long = "word " * 300
    async with guarded(tmp_path, "webhook", guard=", largest: 1KiB") as (made, vendor, script):
        _, status, content = await refused(made, chat(long))
        vendor.texts = (long,)
        for stream in (False, True):
            exchange, _, answered = await refused(made, chat(stream=stream))
            assert b"word word" not in answered
            assert exchange.refusal.code == "content_unseen"
    assert (status, json.loads(content)["error"]["code"]) == (400, "content_unseen")
    async with guarded(tmp_path, "webhook", guard=", largest: 1KiB, on_failure: open") as (made, vendor, script):
        vendor.texts = (long,)
        exchange, wire = await ask(made, chat(long, stream=True))
    assert told(wire) == long
    assert script.bodies == []
    assert verdicts(exchange) == ["failed open", "failed open"]


async def test_no_more_questions_are_under_way_than_is_said(tmp_path):
    guard = ", at_once: 1, timeout: 30s"
    async with guarded(tmp_path, "webhook", mode="slow", guard=guard, policy=", on: [input]") as (made, _, script):
        calls = [asyncio.ensure_future(refused(made, chat(str(number)))) for number in range(6)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        _, status, _ = done.pop().result()
        await script.came.wait()
        asked = len(script.bodies)
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert status == 503
    assert asked == 1


# several of them ----------------------------------------------------------------------------------------------------
async def test_several_are_asked_at_once_and_the_first_that_forbids_settles_it(tmp_path):
    first, second = ScriptedGuard("webhook", "slow"), ScriptedGuard("moderation")
    async with Upstream(Vendor()) as upstream, Upstream(first) as slow, Upstream(second) as quick:
        hook = f'{{kind: webhook, url: "{slow.url}", timeout: 60s}}'
        other = f'{{kind: moderation, url: "{quick.url}", vendor_model: omni, timeout: 60s}}'
        written = f"{{use: external_guard, name: g, on: [input], guards: [{hook}, {other}]}}"
        text = one(upstream.url, f", policies: [{written}]")
        async with built(tmp_path, text, consult=consult) as made:
            exchange, status, _ = await refused(made, chat(EVIL))
    assert status == 400
    assert verdicts(exchange)[0] == "block"


# noted only ---------------------------------------------------------------------------------------------------------
async def test_who_only_notes_says_so_and_may_fail(tmp_path):
    async with guarded(tmp_path, "moderation", guard=", action: annotate") as (made, vendor, script):
        exchange, wire = await ask(made, chat(EVIL))
        script.mode = "broken"
        _, other = await ask(made, chat(EVIL, stream=True))
    assert wire.field(b"x-triplegate-guard") == b"violence=1"
    assert verdicts(exchange) == ["annotate", "allow"]
    assert other.status == 200
    assert EVIL in vendor.bodies[0]


async def test_who_only_observes_changes_nothing(tmp_path):
    vendor = Vendor(f"{EVIL} it is")
    async with guarded(tmp_path, "webhook", vendor=vendor, policy=", mode: observe") as (made, _, script):
        exchange, wire = await ask(made, chat(f"{EVIL}?", stream=True))
        script.mode = "broken"
        other, whole = await ask(made, chat(f"{EVIL}?"))
    assert told(wire) == f"{EVIL} it is"
    assert verdicts(exchange) == ["would block", "would block"]
    assert whole.status == 200
    assert verdicts(other) == ["would refuse", "would refuse"]
    assert not wire.field(b"x-triplegate-guard")


async def test_the_time_that_guards_held_a_call_is_told(tmp_path):
    async with guarded(tmp_path, "webhook") as (made, _, _):
        exchange, wire = await ask(made)
    assert wire.field(b"x-triplegate-guard-hold-ms").isdigit()
    assert [name for name, _ in wire.headers].count(b"x-triplegate-guard-hold-ms") == 1
    assert all(one[2].endswith(" ms") for one in exchange.decisions if one[0] == "g")


async def test_a_verdict_counts_for_the_same_texts_as_long_as_is_said(tmp_path):
    async with guarded(tmp_path, "judge", guard=", remember: 1h", policy=", on: [input]") as (made, vendor, script):
        for text in ("Hello", "Hello", EVIL, EVIL, "Bye"):
            with contextlib.suppress(Exception):
                await refused(made, chat(text))
    assert len(script.bodies) == 3
    assert len(vendor.bodies) == 3


# while the call is under way ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_a_call_may_be_sent_while_it_is_judged_and_nothing_of_its_answer_is_told_before(tmp_path, path, stream):
    policy = ", on: [input], beside: true"
    async with guarded(tmp_path, "webhook", vendor=Vendor(f"{SECRET}!"), policy=policy) as (made, vendor, _):
        exchange, _, content = await refused(made, body_of(path, EVIL, stream=stream), path)
        _, good = await ask(made, body_of(path, stream=stream), path)
        costs = [one.cost for one in made.records if one.kind == "final"]
    assert exchange.refusal.code == "content_blocked"
    assert SECRET.encode() not in content
    assert SECRET in told(good)
    assert len(vendor.bodies) == 2
    assert all(cost > 0 for cost in costs)


@pytest.mark.parametrize("more", ["beside: true", "mode: observe"])
async def test_provider_and_guard_are_asked_at_the_same_time(tmp_path, more):
    vendor = Vendor()

    async def waiting(talk):
        """Says its verdict only once the provider was asked."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await talk.head()
            await talk.read(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            async with asyncio.timeout(20):
                while not vendor.bodies:
                    await asyncio.sleep(0.001)
            await talk.say(answer(b'{"action": "allow"}'))

    async with Upstream(vendor) as upstream, Upstream(waiting) as far:
        guard = f'{{kind: webhook, url: "{far.url}", timeout: 30s}}'
        written = f"{{use: external_guard, on: [input], {more}, guards: [{guard}]}}"
        async with built(tmp_path, one(upstream.url, f", policies: [{written}]"), consult=consult) as made:
            _, wire = await ask(made)
    assert wire.status == 200


async def test_what_would_be_masked_is_refused_once_the_call_is_sent(tmp_path):
    async with guarded(tmp_path, "webhook", policy=", on: [input], beside: true") as (made, _, _):
        exchange, status, _ = await refused(made, chat(f"I am {NAME}"))
    assert (status, exchange.refusal.code) == (400, "content_blocked")


async def test_a_call_that_fails_takes_its_question_along(tmp_path):
    script = ScriptedGuard("webhook", "slow")
    async with Upstream(script) as far:
        guard = f'{{kind: webhook, url: "{far.url}", timeout: 60s}}'
        written = f"{{use: external_guard, on: [input], beside: true, guards: [{guard}]}}"
        text = one("http://127.0.0.1:9", f", policies: [{written}]")
        async with built(tmp_path, text, consult=consult) as made:
            exchange, status, _ = await refused(made, chat())
    assert (status, exchange.refusal.code) == (502, "upstream_unreachable")


# models of ours -----------------------------------------------------------------------------------------------------
async def test_a_judge_is_asked_on_behalf_of_the_caller_and_booked(tmp_path):
    async with guarded(tmp_path, "judge", policy=", on: [input]") as (made, _, script):
        exchange, _ = await ask(made)
        finals = {one.route: one for one in made.records if one.kind == "final"}
    assert (finals["j"].parent, finals["j"].team) == (exchange.id, "web")
    assert finals["j"].cost > 0
    asked = json.loads(script.bodies[0])
    assert asked["temperature"] == 0


async def test_a_moderation_model_of_ours_is_asked_too(tmp_path):
    script = ScriptedGuard("moderation")
    async with Upstream(Vendor()) as upstream, Upstream(script) as far:
        written = "{use: external_guard, guards: [{kind: moderation, model: j, timeout: 30s}], on: [input]}"
        text = configuration(
            {"p": upstream.url, "q": far.url},
            {
                "m": f"{{deployments: [{{provider: p, model: x}}], policies: [{written}]}}",
                "j": "{deployments: [{provider: q, model: x}]}",
            },
        )
        async with built(tmp_path, text, consult=consult) as made:
            _, status, _ = await refused(made, chat(EVIL))
            _, good = await ask(made)
    assert (status, good.status) == (400, 200)
    assert json.loads(script.bodies[0])["model"] == "x"


async def test_a_guard_on_every_model_does_not_judge_its_own_judge(tmp_path):
    script = ScriptedGuard("judge")
    async with Upstream(Vendor()) as upstream, Upstream(script) as far:
        written = "{use: external_guard, guards: [{kind: judge, model: j, rule: Be nice., timeout: 30s}]}"
        text = configuration(
            {"p": upstream.url, "q": far.url},
            {"m": "{deployments: [{provider: p, model: x}]}", "j": "{deployments: [{provider: q, model: x}]}"},
            f"policies: [{{use: key_auth}}, {written}]",
        )
        async with built(tmp_path, text, consult=consult) as made:
            _, good = await ask(made)
            _, status, _ = await refused(made, chat(EVIL))
    assert (good.status, status) == (200, 400)
    assert len(script.bodies) == 3


# among others --------------------------------------------------------------------------------------------------------
async def test_a_remembered_answer_is_judged_like_any_other(tmp_path):
    vendor = Vendor("Fine so far.")
    more = ", {use: exact_cache}"
    async with guarded(tmp_path, "webhook", vendor=vendor, policy=", on: [output]", more=more) as (made, _, script):
        wires = [(await ask(made))[1]]
        async with asyncio.timeout(20):
            while wires[-1].field(b"x-triplegate-cache")[:3] != b"hit":
                await asyncio.sleep(0)
                wires.append((await ask(made))[1])
    assert len(script.bodies) == len(wires)
    assert all("Fine so far." in told(wire) for wire in wires)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("outside", [False, True])
async def test_guards_of_both_kinds_see_all_that_the_others_held_back(tmp_path, outside, stream):
    vendor = Vendor(f"Mail ada@mail.example.org, says {NAME} at the very end")
    local = "{use: guardrail, action: mask, pii: [email], on: [output]}"
    place = {"before": f"{local}, "} if outside else {"more": f", {local}"}
    more = {"guard": ", action: mask", "policy": ", on: [output]", **place}
    async with guarded(tmp_path, "presidio", vendor=vendor, **more) as (made, _, script):
        _, wire = await ask(made, chat(stream=stream))
    assert "Mail <EMAIL_1>, says <PERSON_1> at the very end" in told(wire)
    assert json.loads(script.bodies[0])["text"].endswith("at the very end")


async def test_offline_nobody_is_asked():
    policy = ExternalGuard(guards=[HOOK, {"kind": "judge", "model": "m", "rule": "x"}])
    exchange = make_exchange()
    reply = await policy.build(make_kit(offline=True))(exchange, exchange.gate.forward)
    assert reply.status == 200
    assert exchange.decisions == [("external_guard", "would ask", "webhook, judge")]


# what cannot be looked at -------------------------------------------------------------------------------------------
async def test_an_answer_that_cannot_be_looked_at_is_never_asked_for(tmp_path):
    body = json.dumps({"model": "m", "input": "Hello"}).encode()
    async with guarded(tmp_path, "webhook") as (made, vendor, _):
        _, status, content = await refused(made, body, RESPONSES)
    assert status == 400
    assert b"content_unseen" in content
    assert vendor.bodies == []


async def test_calls_that_cannot_be_masked_are_refused(tmp_path):
    body = json.dumps({"model": "m", "input": ["fine", f"I am {NAME}"]}).encode()
    async with guarded(tmp_path, "webhook", policy=", on: [input]") as (made, vendor, _):
        _, status, _ = await refused(made, body, "/v1/embeddings")
    assert status == 400
    assert vendor.bodies == []


async def test_a_missing_key_lets_nothing_pass(tmp_path):
    async with guarded(tmp_path, "webhook") as (made, vendor, script):
        made.kit.secrets.values.clear()
        _, status, _ = await refused(made, chat())
    assert status == 503
    assert vendor.bodies == script.bodies == []


# as written ---------------------------------------------------------------------------------------------------------
HOOK = {"kind": "webhook", "url": "http://127.0.0.1:1/"}


@pytest.mark.parametrize(
    ("guards", "said"),
    [
        ([], "at least 1"),
        ([HOOK, HOOK], "called webhook"),
        ([{"kind": "webhook", "url": "ftp://x"}], "http://"),
        ([{"kind": "webhook", "url": "http://user:pw@x"}], "no user or password"),
        ([{"kind": "webhook", "url": "http://x", "key": "plain"}], "reference"),
        ([{"kind": "moderation", "model": "m", "key": "env:X"}], "for a url"),
        ([{"kind": "moderation"}], "say url, or model"),
        ([{"kind": "moderation", "model": "m", "url": "http://x"}], "say url, or model"),
        ([{"kind": "moderation", "model": "m", "thresholds": {"a": 0.1}, "categories": ["a"]}], "thresholds name"),
        ([{"kind": "judge", "model": "m", "rule": " "}], "at least 1"),
        ([{"kind": "oracle"}], "oracle"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_written(guards, said):
    with pytest.raises(ValidationError, match=said):
        ExternalGuard(guards=guards)


@pytest.mark.parametrize("more", [{"reversible": True}, {"guards": [{"kind": "presidio", "url": "http://x"}]}])
def test_what_is_sent_while_it_is_judged_cannot_be_masked(more):
    with pytest.raises(ValidationError, match="beside sends calls as they are"):
        ExternalGuard(**({"guards": [HOOK], "beside": True} | more))


def test_reversible_needs_a_guard_that_masks():
    with pytest.raises(ValidationError, match="guard that masks"):
        ExternalGuard(guards=[{"kind": "judge", "model": "m", "rule": "x"}], reversible=True)


def test_a_model_that_it_asks_must_be_there(tmp_path):
    written = "{use: external_guard, guards: [{kind: judge, model: jj, rule: x}, {kind: moderation, model: x}]}"
    text = configuration(
        {"p": "http://127.0.0.1:1"}, {"j": f"{{deployments: [{{provider: p, model: x}}], policies: [{written}]}}"}
    )
    with pytest.raises(ConfigError) as faulty:
        documents_of(tmp_path, text)
    assert "external_guard: unknown model 'jj' (did you mean 'j'?)" in str(faulty.value)
    assert "unknown model 'x'" in str(faulty.value)
