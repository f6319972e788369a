"""Each usage block of the recordings: read by our codecs and priced by our tables, against genai-prices' own reader."""

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import unquote

import pytest
from tests.golden.recordings import Recorded, recorded

from triplegate.config.documents_llm import ProviderDocument
from triplegate.config.load import load
from triplegate.core.money import read_counters, to_dollars
from triplegate.core.policy import Registry
from triplegate.core.usage import Usage
from triplegate.gates.llm.dialects import CODECS
from triplegate.policies import built_in
from triplegate.wire.neutral_events import UsageSeen
from triplegate.wire.openai_usage import read_usage

prices = pytest.importorskip("tests.golden.test_prices")  # genai-prices is a tool of developers
from genai_prices.types import ModelInfo  # noqa: E402
from genai_prices.types import Usage as Theirs  # noqa: E402

VENDORS = {
    "anthropic": ("anthropic_messages", "anthropic", "default", "anthropic"),
    "azure-openai": ("openai_chat", "azure", "chat", "azure"),
    "bedrock": ("bedrock_converse", "aws", "default", "bedrock"),
    "cohere": ("cohere", "cohere", "default", "cohere"),
    "deepseek": ("openai_chat", "deepseek", "chat", "deepseek"),
    "gemini": ("gemini", "google", "default", "gemini"),
    "groq": ("openai_chat", "groq", "default", "groq"),
    "mistral": ("openai_chat", "mistral", "default", "mistral"),
    "openai-chat": ("openai_chat", "openai", "chat", "openai"),
    "openai-embeddings": ("embeddings", "openai", "embeddings", "openai"),
    "openai-responses": ("openai_responses", "openai", "responses", "openai"),
    "openrouter": ("openai_chat", "openrouter", "chat", "openrouter"),
    "vertex": ("gemini", "google", "default", "vertex"),
}
"""Folder → our dialect, their provider and flavour, our provider."""
EXCEPTIONS: dict[str, str] = {
    "mistral/tool-choice-required": "cached tokens are told by num_cached_tokens, which they do not read",
    "openai-chat/tool-calls-without-id": "the total is above prompt and completion: Google leaves thoughts out of the"
    " completion there, and bills them",
    "anthropic/stream-compaction-cache-usage": "a summary's tokens stand in iterations, where they are billed beside"
    " the whole usage, and their reader does not see them",
    "openrouter/stream-in-band-error": "the stream failed before its usage: a failure ends it, what came is estimated",
    "openai-responses/stream-web-search": "searches are items of the output, which their reader of usage does not see",
    "gemini/stream-web-search": "searches stand in groundingMetadata, which their reader of usage does not see",
}
"""Recording (its beginning) → why the two differ; reviewed by hand."""


def special(exchange: Recorded) -> tuple[str, str, str, str]:
    """The vendor of a recording; some folders hold another vendor's or dialect's answers."""
    folder = exchange.name.partition("/")[0]
    if "generativelanguage" in exchange.request["host"] and folder == "openai-chat":
        return "openai_chat", "google", "chat", "gemini"
    if exchange.request["path"].endswith("/responses") and folder == "deepseek":
        return "openai_responses", "openai", "responses", "deepseek"
    return VENDORS[folder]


# an independent look at the bytes ----------------------------------------------------------------------------
def lines(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        if line.startswith(b"data:") and line[5:].strip() not in (b"", b"[DONE]"):
            yield json.loads(line[5:])


def frames(body: bytes) -> Iterator[dict[str, Any]]:
    place = 0
    while place < len(body):
        size, head = int.from_bytes(body[place : place + 4]), int.from_bytes(body[place + 4 : place + 8])
        yield json.loads(body[place + 12 + head : place + size - 4])
        place += size


def told(exchange: Recorded) -> dict[str, Any]:
    """The vendor's last word on usage, as a whole reply of its own would say it; empty when it says nothing."""
    if exchange.framing == "json":
        return exchange.json()
    found: dict[str, Any] = {}
    for event in frames(exchange.body) if exchange.framing == "aws-event-stream" else lines(exchange.body):
        inner = event.get("response") if isinstance(event.get("response"), dict) else event.get("message", event)
        if not isinstance(inner, dict):
            continue
        for field in ("model", "modelVersion", "service_tier", "usageMetadata"):
            found[field] = inner.get(field) or found.get(field)
        usage = inner.get("usage") or (inner.get("x_groq") or {}).get("usage")
        if usage:
            # Anthropic: a delta says a part and replaces, it never adds
            old = found.get("usage", {}) if event.get("type") == "message_delta" else {}
            found["usage"] = {**old, **{name: one for name, one in usage.items() if one is not None}}
    return {name: one for name, one in found.items() if one is not None}


# ours --------------------------------------------------------------------------------------------------------
def ours(exchange: Recorded, dialect: str) -> Usage | None:
    """Usage as the gate books it: of the events of the provider's codec."""
    codec = CODECS.get(dialect)
    if codec is None:
        assert dialect == "embeddings"
        return read_usage(json.dumps(told(exchange).get("usage")).encode())
    if exchange.framing == "json":
        events = codec.read_reply(exchange.body)
    else:
        reader = codec.reader()
        events = [*reader.feed(exchange.body), *reader.finish()]
    return next((event.usage for event in reversed(events) if isinstance(event, UsageSeen)), None)


@cache
def provider(name: str, folder: Any) -> ProviderDocument:
    (folder / "triplegate.yaml").write_text(f"models: {{m: {{deployments: [{{provider: {name}, model: m}}]}}}}\n")
    return load(folder, Registry(built_in()), environment={}).documents.providers[name]


def asked(exchange: Recorded) -> str:
    body = exchange.request["body"] or {}
    path = unquote(exchange.request["path"])
    named = path.partition("/model" if "/model/" in path else "/models")[2].lstrip("/").partition("/")[0]
    return str(body.get("model") or named.partition(":generate")[0].partition(":stream")[0])


def tier_of(exchange: Recorded) -> str:
    said = told(exchange)
    metadata = said.get("usageMetadata", {})
    tier = said.get("service_tier") or metadata.get("serviceTier") or (said.get("usage") or {}).get("service_tier")
    tier = tier or {"ON_DEMAND_FLEX": "flex"}.get(metadata.get("trafficType"), "")
    return str(tier or "")


def excepted(exchange: Recorded) -> str:
    return next((why for name, why in EXCEPTIONS.items() if exchange.name.startswith(name)), "")


def compared(theirs: Theirs, usage: Usage) -> dict[str, tuple[int, int]]:
    """(theirs, ours) of all counts that differ."""
    said = theirs._reported_values()
    reasoning = said.get("output_reasoning_tokens", usage.reasoning)
    pairs = {
        "input": (said.get("input_tokens", 0), usage.input_total),
        "output": (said.get("output_tokens", 0), usage.output_total),
        "cache_read": (said.get("cache_read_tokens", 0), usage.cache_read),
        "cache_write": (said.get("cache_write_tokens", 0), usage.cache_write_5m + usage.cache_write_1h),
        "reasoning": (reasoning, usage.reasoning),
        "audio_in": (said.get("input_audio_tokens", 0), usage.audio_in),
        "audio_out": (said.get("output_audio_tokens", 0), usage.audio_out),
        "web": (said.get("web_searches", 0), read_counters(usage.tool_units or "{}").get("web_searches", 0)),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def usable(exchange: Recorded) -> bool:
    if exchange.request["path"].endswith("cachedContents"):
        return False  # content is stored there; no model is called
    return exchange.status == 200 and ("usage" in told(exchange) or "usageMetadata" in told(exchange))


@pytest.mark.parametrize("exchange", recorded(*VENDORS))
def test_usage_and_cost_are_what_they_say(exchange: Recorded, tmp_path_factory: pytest.TempPathFactory) -> None:
    if not usable(exchange):
        return
    dialect, vendor, flavour, name = special(exchange)
    usage = ours(exchange, dialect)
    if usage is None:
        assert excepted(exchange)
        return
    table = prices.table(vendor)
    model_said, theirs = table.extract_usage(told(exchange), api_flavor=flavour)
    differs: dict[str, Any] = dict(compared(theirs, usage))
    wanted = asked(exchange)
    tables = (prices.table(one) for one in prices.fresh_prices.TABLES[name])
    model: ModelInfo | None = next(filter(None, (one.find_model(wanted) for one in tables)), None)
    rates = provider(name, tmp_path_factory.mktemp("c")).listed(wanted)
    if (model is None) != (rates is None):
        differs["model"] = (model and model.id, rates is not None)
    elif model is not None and rates is not None:
        tier = tier_of(exchange)
        context = {"service_tier": tier} if tier else {}
        total = model.calc_price(theirs, table, genai_request_timestamp=prices.NOW, price_context=context).total_price
        cost = to_dollars(rates.price().cost(usage.tokens(), usage.tool_units, usage.tier, prices.NOW.timestamp()))
        if abs(total - cost) > Decimal("0.5e-10"):
            differs["cost"] = (total, cost)
    why = excepted(exchange)
    if why:
        assert differs, f"{exchange.name} no longer differs: strike it from the list"
    else:
        assert not differs, (wanted, model_said, differs, told(exchange).get("usage"))


def test_exceptions_name_recordings_that_are_there() -> None:
    names = [one.values[0].name for one in recorded(*VENDORS) if one.values[0] is not None]
    assert not names or all(any(name.startswith(one) for name in names) for one in EXCEPTIONS)
