"""What of a call's body is counted, and how near that comes to what providers counted of the recorded calls."""

import json
import statistics
from itertools import cycle, islice
from types import SimpleNamespace

import pytest
from tests.golden.recordings import recorded

from triplegate.core.estimator import tokens_of
from triplegate.core.learned import Learned
from triplegate.gates.llm.call import form_call, read_call
from triplegate.gates.llm.paths.audio import TRANSCRIPTIONS
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.messages import MESSAGES
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.gates.llm.sizing import FORM, defines, raw_tokens

SPOKEN = {
    "openai-chat": CHAT,
    "azure-openai": CHAT,
    "deepseek": CHAT,
    "groq": CHAT,
    "mistral": CHAT,
    "openai-responses": RESPONSES,
    "anthropic": MESSAGES,
}
OBSERVATIONS = 50


def read(endpoint=CHAT, **body):
    return read_call(endpoint, json.dumps({"model": "m", **body}, ensure_ascii=False).encode())


def test_what_models_are_shown_is_counted_and_nothing_else():
    plain = [{"role": "user", "content": "Tell me of the sea."}]
    small, noisy = read(messages=plain), read(messages=plain, metadata={"note": "x" * 500}, stop=["y" * 200])
    assert raw_tokens(small) == raw_tokens(noisy) == pytest.approx(12, abs=4)


def test_tools_and_schemas_count_in_part():
    function = {"name": "look", "description": "Look at a picture. " * 20, "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": function}]
    with_tools, without = read(messages=[], tools=tools), read(messages=[])
    assert defines(with_tools)
    assert not defines(without)
    text = json.dumps(tools).encode()
    assert tokens_of(text) * 0.3 < raw_tokens(with_tools) - raw_tokens(without) < tokens_of(text) * 0.6


def test_a_large_body_is_counted_as_a_whole():
    call = read(messages=[{"role": "user", "content": "The ship sails on. " * 10_000}])
    assert raw_tokens(call) == pytest.approx(10_000 * 4, rel=0.3)


def test_a_form_is_a_constant():
    form = SimpleNamespace(text=b"x" * 90_000, length=90_000, model="whisper")
    assert raw_tokens(form_call(TRANSCRIPTIONS, form)) == FORM


def test_it_is_counted_once():
    call = read(messages=[])
    first = raw_tokens(call)
    call.look = None
    assert raw_tokens(call) == first


# against what was recorded ---------------------------------------------------------------------------------
def inputs(found, node):
    """Every count of input tokens in an answer, cached ones with it."""
    if isinstance(node, dict):
        if isinstance(usage := node.get("usage"), dict):
            if usage.get("prompt_tokens"):
                found.append(usage["prompt_tokens"])
            elif usage.get("input_tokens"):
                cached = [usage.get(f"cache_{name}_input_tokens") or 0 for name in ("read", "creation")]
                found.append(usage["input_tokens"] + sum(cached))
        for value in node.values():
            inputs(found, value)
    elif isinstance(node, list):
        for value in node:
            inputs(found, value)
    return found


def told(exchange):
    if exchange.framing == "json":
        return inputs([], exchange.json())
    lines = [line[5:] for line in exchange.body.splitlines() if line.startswith(b"data:") and line[6:7] == b"{"]
    return inputs([], [json.loads(line) for line in lines])


def plain(body):
    """Text and functions only: no searches, pictures or history that the body does not hold."""
    kinds = {tool.get("type", "function") for tool in body.get("tools") or ()}
    hidden = ("previous_response_id", "mcp_servers", "context_management", "thinking")
    text = json.dumps(body)
    return kinds <= {"function", "custom"} and not any(body.get(name) for name in hidden) and '"image' not in text


def pairs():
    """Model → (call, counted) of every recording that can be estimated."""
    found = {}
    for provider, endpoint in SPOKEN.items():
        for one in recorded(provider):
            exchange = one.values[0]
            if exchange is None:
                return {}
            body = exchange.request["body"]
            spoken = RESPONSES if exchange.request["path"].endswith("/responses") else endpoint
            counts = told(exchange) if exchange.status == 200 and isinstance(body, dict) and plain(body) else []
            if counts and ("messages" in body or "input" in body):
                call = read_call(spoken, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
                found.setdefault((call.model, defines(call)), []).append((call, counts[-1]))
    return found


def errors(known):
    learned, off = Learned(), []
    for (model, tools), calls in known.items():
        name = f"{model} with tools" if tools else model
        for call, counted in islice(cycle(calls), OBSERVATIONS):
            learned.learn_input(name, raw_tokens(call), counted)
        off += [abs(learned.corrected(name, raw_tokens(call), sure=False) / counted - 1) for call, counted in calls]
    return off


def test_recorded_calls_are_estimated_well_after_fifty_answers_of_each_model():
    known = pairs()
    if not known:
        pytest.skip("no recordings here (TRIPLEGATE_SHARED)")
    off = sorted(errors(known))
    assert len(off) > 40
    assert statistics.median(off) <= 0.10
    assert off[int(len(off) * 0.95)] <= 0.25
