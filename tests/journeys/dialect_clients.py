"""The vendors' own clients, and what each of them makes of a reply: the meaning that a user of theirs sees."""

import json
from collections.abc import Mapping
from typing import Any

import anthropic
import msgspec
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState
from tests.golden.said import Said, chat_parts

from triplegate.gates.llm.dialects import FAMILIES

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


class Got(msgspec.Struct):
    """What a client had of one call."""

    said: Said
    fields: Mapping[str, str]

    @property
    def number(self) -> str:
        return self.fields["x-request-id"]


def passes(client: str, dialect: str) -> bool:
    """Whether the provider's bytes reach this client as they are."""
    return FAMILIES[dialect] == {"chat": "openai", "responses": "openai_responses", "messages": "anthropic"}[client]


class Clients:
    """The three clients with one key."""

    def __init__(self, url: str, key: str) -> None:
        self.openai = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)
        self.anthropic = anthropic.Anthropic(base_url=url, auth_token=key, max_retries=0, timeout=20)

    def close(self) -> None:
        self.openai.close()
        self.anthropic.close()

    def ask(self, client: str, model: str, *, stream: bool) -> Got:
        """The reply, whole or accumulated; raises what the client raises."""
        return getattr(self, f"_{client}_{'stream' if stream else 'whole'}")(model)

    # OpenAI's chat ---------------------------------------------------------------------------------------------
    def _chat_whole(self, model: str) -> Got:
        raw = self.openai.chat.completions.with_raw_response.create(model=model, messages=HELLO)
        return Got(_of_chat(raw.parse()), raw.headers)

    def _chat_stream(self, model: str) -> Got:
        more: Any = {"stream_options": {"include_usage": True}}
        made = self.openai.chat.completions.with_streaming_response
        with made.create(model=model, messages=HELLO, stream=True, **more) as raw:
            state: Any = ChatCompletionStreamState()
            pieces, listed = Said(), False
            for chunk in raw.parse():
                for choice in chunk.choices:
                    chat_parts(pieces, choice.delta.model_dump(exclude={"tool_calls"}))
                    if isinstance(choice.delta.content, list):
                        choice.delta.content, listed = None, True  # Mistral's form, which it cannot add up
                state.handle_chunk(chunk)
            said = _of_chat(state.current_completion_snapshot)
            said.thoughts = pieces.thoughts
            if listed:
                said.text = pieces.text
            return Got(said, raw.headers)

    # OpenAI's responses ----------------------------------------------------------------------------------------
    def _responses_whole(self, model: str) -> Got:
        raw = self.openai.responses.with_raw_response.create(model=model, input="Hello")
        return Got(_of_response(raw.parse()), raw.headers)

    def _responses_stream(self, model: str) -> Got:
        made = self.openai.responses.with_streaming_response
        with made.create(model=model, input="Hello", stream=True) as raw:
            text, ended = "", None
            for event in raw.parse():
                if event.type == "response.output_text.delta":
                    text += event.delta
                elif event.type in ("response.completed", "response.incomplete"):
                    ended = event.response
                elif event.type == "error":
                    raise openai.APIError(event.message, raw.http_request, body=None)
            assert ended is not None
            said = _of_response(ended)
            assert text == said.text
            return Got(said, raw.headers)

    # Anthropic's messages --------------------------------------------------------------------------------------
    def _messages_whole(self, model: str) -> Got:
        raw = self.anthropic.messages.with_raw_response.create(model=model, max_tokens=1024, messages=HELLO)
        return Got(_of_message(raw.parse()), raw.headers)

    def _messages_stream(self, model: str) -> Got:
        with self.anthropic.messages.stream(model=model, max_tokens=1024, messages=HELLO) as stream:
            return Got(_of_message(stream.get_final_message()), stream.response.headers)


def _of_chat(reply: Any) -> Said:
    choice = reply.choices[0]
    message = choice.message
    said = Said(finish=choice.finish_reason)
    chat_parts(said, message.model_dump(exclude={"tool_calls"}))
    for call in message.tool_calls or ():
        said.calls.append((call.function.name, json.loads(call.function.arguments or "{}")))
    if reply.usage is not None:
        said.counted = True
        said.input, said.output = reply.usage.prompt_tokens, reply.usage.completion_tokens
        said.cached = (reply.usage.prompt_tokens_details and reply.usage.prompt_tokens_details.cached_tokens) or 0
        details = reply.usage.completion_tokens_details
        said.reasoned = (details and details.reasoning_tokens) or 0
    return said


def _of_response(reply: Any) -> Said:
    said = Said(reply.output_text)
    for item in reply.output:
        if item.type == "function_call":
            said.calls.append((item.name, json.loads(item.arguments or "{}")))
        elif item.type == "reasoning":
            said.thoughts += "".join([part.text for part in item.summary] + [part.text for part in item.content or ()])
    reason = reply.incomplete_details.reason if reply.incomplete_details else ""
    said.finish = {"max_output_tokens": "length", "": "tool_calls" if said.calls else "stop"}.get(reason, reason)
    if reply.usage is not None:
        said.counted = True
        said.input, said.output = reply.usage.input_tokens, reply.usage.output_tokens
        said.cached = reply.usage.input_tokens_details.cached_tokens
        said.reasoned = reply.usage.output_tokens_details.reasoning_tokens
    return said


_ENDS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}


def _of_message(reply: Any) -> Said:
    said = Said(finish=_ENDS.get(reply.stop_reason, reply.stop_reason), counted=True)
    for block in reply.content:
        if block.type == "text":
            said.text += block.text
        elif block.type == "thinking":
            said.thoughts += block.thinking
        elif block.type == "tool_use":
            said.calls.append((block.name, block.input))
    usage = reply.usage
    said.cached = usage.cache_read_input_tokens or 0
    said.input = usage.input_tokens + said.cached + (usage.cache_creation_input_tokens or 0)
    said.output = usage.output_tokens
    return said
