"""One attempt's request: bytes where the provider speaks the client's dialect, a translation where it does not."""

import json
import threading

import msgspec
import pytest
from tests.gates.llm import toy
from tests.gates.llm.calls import chat

from triplegate.config.documents_llm import Quirks
from triplegate.core.errors import Refusal
from triplegate.gates.llm.asking import Speech, ask, prepare
from triplegate.gates.llm.beside import READ, REWRITTEN
from triplegate.gates.llm.call import endpoint_of, read_call
from triplegate.gates.llm.dialects import CODECS
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.completions import COMPLETIONS
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.paths.messages import MESSAGES
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.wire.neutral import Opaque, seal
from triplegate.wire.openai import PROVIDER

SPEECH = Speech("openai", None, frozenset({"openai"}), Quirks(), "drop", 60.0)
FOREIGN = msgspec.structs.replace(SPEECH, family="toy", codec=toy.PROVIDER, speaks=frozenset({"toy"}))
BOTH = endpoint_of(toy.CLIENT, "chat", b"/chat/completions")


def test_the_same_dialect_gets_the_clients_bytes_but_for_named_edits():
    text = chat("m", stream=True, seed=1)
    asked = ask(read_call(CHAT, text), SPEECH, "m")
    assert (asked.path, asked.translated, asked.lost) == (b"/chat/completions", False, b"")
    assert json.loads(asked.body.content) == json.loads(text) | {"stream_options": {"include_usage": True}}
    whole = chat("m")
    assert ask(read_call(CHAT, whole), SPEECH, "m").body.content is whole


def test_a_vendors_quirks_hold_for_its_own_dialect():
    quirks = Quirks(drop=("seed",), max_tokens="max_tokens", stream_usage=False)
    text = chat("m", stream=True, seed=1, max_completion_tokens=3)
    asked = ask(read_call(CHAT, text), msgspec.structs.replace(SPEECH, quirks=quirks), "x")
    assert json.loads(asked.body.content) == {"model": "x", "messages": [], "stream": True, "max_tokens": 3}


def test_usage_is_not_asked_for_in_a_translated_stream_where_the_vendor_refuses_it():
    text = b'{"model":"m","prompt":"hi","stream":true}'
    speech = msgspec.structs.replace(SPEECH, codec=PROVIDER, quirks=Quirks(stream_usage=False, max_tokens="max_tokens"))
    asked = ask(read_call(COMPLETIONS, text), speech, "x")
    said = {"model": "x", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    assert (asked.path, json.loads(asked.body.content)) == (b"/chat/completions", said)
    asked = ask(read_call(COMPLETIONS, text), msgspec.structs.replace(SPEECH, codec=PROVIDER), "x")
    assert json.loads(asked.body.content)["stream_options"] == {"include_usage": True}


def test_another_dialect_gets_a_translation_and_what_was_lost_is_known():
    asked = ask(read_call(BOTH, chat("m", stream=True)), FOREIGN, "x")
    assert (asked.path, asked.body.content, asked.translated) == (b"/say/x?stream=True", b'["x", "hi"]', True)
    assert asked.lost == b"seed"


def test_losses_are_refused_where_that_is_said():
    with pytest.raises(Refusal) as caught:
        ask(read_call(BOTH, chat("m")), msgspec.structs.replace(FOREIGN, on_loss="reject"), "x")
    assert (caught.value.code, caught.value.payload["param"]) == ("unsupported_parameter", "seed")


@pytest.mark.parametrize("speech", [SPEECH, FOREIGN])
def test_an_endpoint_that_the_provider_does_not_have_is_told(speech):
    with pytest.raises(Refusal) as caught:
        ask(read_call(EMBEDDINGS, b'{"model":"m","input":"x"}'), speech, "x")
    assert (caught.value.code, "/embeddings" in caught.value.detail) == ("unsupported_endpoint", True)


def test_state_of_other_providers_never_reaches_one_that_did_not_make_it():
    foreign = {"type": "thinking", "thinking": "hm", "signature": seal(Opaque("gemini", "thought", "abc"))}
    own = {"type": "thinking", "thinking": "so", "signature": "EqQB"}
    text = json.dumps(
        {
            "model": "m",
            "max_tokens": 9,
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [foreign, {"type": "text", "text": "hello"}]},
                {"role": "user", "content": "and?"},
                {"role": "assistant", "content": [own, {"type": "text", "text": "well"}]},
                {"role": "user", "content": "go on"},
            ],
        }
    ).encode()
    speech = msgspec.structs.replace(SPEECH, family="anthropic", speaks=frozenset({"anthropic"}))
    asked = ask(read_call(MESSAGES, text), speech, "claude")
    assert (asked.path, asked.translated) == (b"/messages", False)
    said = json.loads(asked.body.content)
    assert b"tg1." not in asked.body.content
    assert [block["type"] for block in said["messages"][1]["content"]] == ["text"]
    assert said["messages"][3]["content"][0] == own


@pytest.mark.parametrize("dialect", ["anthropic_messages", "gemini", "bedrock_converse", "cohere", "openai_chat"])
def test_what_is_so_anyway_is_no_loss_and_the_background_is_refused(dialect):
    usual = {
        "model": "m",
        "input": "hi",
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "background": False,
        "truncation": "disabled",
    }
    speech = msgspec.structs.replace(
        SPEECH, family="x", codec=CODECS[dialect], speaks=frozenset({"x"}), on_loss="reject"
    )
    assert ask(read_call(RESPONSES, json.dumps(usual).encode()), speech, "v").lost == b""
    with pytest.raises(Refusal) as caught:
        ask(
            read_call(RESPONSES, json.dumps(usual | {"background": True}).encode()),
            msgspec.structs.replace(speech, on_loss="drop"),
            "v",
        )
    assert (caught.value.code, caught.value.payload["param"]) == ("unsupported_parameter", "background")


class Slow(msgspec.Struct, frozen=True):
    """A codec that notes which thread it works in."""

    seen: list[int]
    family: str = "toy"

    def path(self, model, streamed):
        return "/say"

    def write_request(self, request, model, losses):
        self.seen.append(threading.get_ident())
        return b"{}"


async def test_a_large_call_is_translated_beside_the_loop_and_a_small_one_on_it():
    slow = Slow([])
    speech = msgspec.structs.replace(FOREIGN, codec=slow)
    large = {"messages": [{"role": "user", "content": "x" * REWRITTEN}]}
    for text in (chat("m"), chat("m", **large)):
        await prepare(read_call(CHAT, text), speech, "x")
    assert [one == threading.get_ident() for one in slow.seen] == [True, False]


async def test_what_passes_is_edited_on_the_loop_until_it_is_very_large():
    seen = []

    def edit(look, **names):
        seen.append(threading.get_ident())
        return b"{}"

    endpoint = msgspec.structs.replace(CHAT, edit=edit)
    for size in (REWRITTEN, READ):
        text = chat("m", messages=[{"role": "user", "content": "x" * size}])
        asked = await prepare(read_call(endpoint, text), SPEECH, "m")
        assert not asked.translated
    assert [one == threading.get_ident() for one in seen] == [True, False]
