"""Every provider dialect writes the canonical requests as the files say, which were written by hand."""

import json
from typing import Any

import pytest
from tests.golden.canonical import CANONICAL, user
from tests.golden.recordings import GOLDEN

from triplegate.core.errors import Refusal
from triplegate.wire.anthropic_messages import PROVIDER as ANTHROPIC
from triplegate.wire.bedrock_converse import PROVIDER as BEDROCK
from triplegate.wire.codec import Losses, ProviderCodec
from triplegate.wire.cohere import PROVIDER as COHERE
from triplegate.wire.gemini import PROVIDER as GEMINI
from triplegate.wire.neutral import Message, Request, Text
from triplegate.wire.openai import PROVIDER as OPENAI
from triplegate.wire.openai_responses import PROVIDER as RESPONSES

PROVIDERS: dict[str, ProviderCodec] = {
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "cohere": COHERE,
    "openai": OPENAI,
    "openai_responses": RESPONSES,
    "bedrock": BEDROCK,
}
"""By family, which is the name of the folder of files."""

MODELS = {
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-3-pro-preview",
    "cohere": "command-a-03-2025",
    "openai": "gpt-5",
    "openai_responses": "gpt-5",
    "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
}

LOST: dict[tuple[str, str], list[str]] = {
    ("anthropic", "json"): ["response_format"],
    ("anthropic", "sampling"): ["seed", "frequency_penalty", "presence_penalty", "stop"],
    ("anthropic", "signed"): ["reasoning_effort"],
    ("gemini", "cached"): ["cache_control"],
    ("cohere", "cached"): ["cache_control"],
    ("cohere", "tools"): ["is_error"],
    ("openai", "cached"): ["cache_control"],
    ("openai", "tools"): ["is_error"],
    ("openai_responses", "cached"): ["cache_control"],
    ("openai_responses", "tools"): ["is_error"],
    ("openai_responses", "sampling"): ["top_k", "stop", "seed", "frequency_penalty", "presence_penalty"],
    ("bedrock", "image_address"): ["url"],
    ("bedrock", "json"): ["response_format"],
    ("bedrock", "sampling"): ["seed", "frequency_penalty", "presence_penalty", "stop"],
    ("bedrock", "thinking"): ["thinking"],
    ("bedrock", "signed"): ["reasoning_effort"],
}
"""What a dialect leaves out of a request, by the client's names."""


def written(family: str, request: Request, losses: Losses | None = None) -> bytes:
    return PROVIDERS[family].write_request(request, MODELS[family], losses or Losses())


@pytest.mark.parametrize("name", CANONICAL)
@pytest.mark.parametrize("family", PROVIDERS)
def test_the_request_is_what_the_file_says(family: str, name: str):
    losses = Losses()
    wanted: Any = json.loads((GOLDEN / "requests" / family / f"{name}.json").read_text())
    assert json.loads(written(family, CANONICAL[name], losses)) == wanted
    assert losses.names == LOST.get((family, name), [])


@pytest.mark.parametrize("family", PROVIDERS)
def test_every_file_has_its_request(family: str):
    assert {path.stem for path in (GOLDEN / "requests" / family).glob("*.json")} == set(CANONICAL)


@pytest.mark.parametrize(("family", "name"), LOST)
def test_a_loss_is_refused_where_losses_are(family: str, name: str):
    with pytest.raises(Refusal) as refused:
        written(family, CANONICAL[name], Losses("reject"))
    assert refused.value.code == "unsupported_parameter"
    assert refused.value.payload["param"] == LOST[family, name][0]


@pytest.mark.parametrize("family", PROVIDERS)
def test_a_longer_conversation_begins_with_the_bytes_of_the_shorter_one(family: str):
    """Providers cache prompts by their beginning (F6)."""
    messages: list[Message] = [Message("system", (Text("Be brief."),))]
    before = b""
    for turn in range(10):
        messages += [user(f"Question {turn} äöü"), Message("assistant", (Text(f"Answer {turn}"),)), user("Really?")]
        text = written(family, Request("openai", "m", tuple(messages), tools=CANONICAL["tools"].tools))
        kept = before.rindex(b"Really?") if before else 0
        assert text[:kept] == before[:kept]
        assert written(family, Request("openai", "m", tuple(messages), tools=CANONICAL["tools"].tools)) == text
        before = text
        messages.append(Message("assistant", (Text("Yes."),)))
