"""The scripted provider: OpenAI's chat, embeddings and models, with every fault a real one has."""

import asyncio
import base64
import hashlib
import itertools
import re
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NoReturn

import msgspec

from triplegate.samples import llm_scripts
from triplegate.samples.control import Control
from triplegate.samples.http import Answer, Cut, Handler, Refused, Request
from triplegate.samples.journal import Journal
from triplegate.samples.latch import Latch, Latches
from triplegate.samples.llm_scripts import NAMED, Script

_CREATED = 1_790_000_000
_STALL = 600.0
_DIMENSIONS = 576


class Chat(msgspec.Struct):
    """What is read of a chat request; the rest is ignored, as most providers do."""

    model: str
    messages: list[dict[str, Any]]
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[Any] | None = None


class Embed(msgspec.Struct):
    """What is read of an embeddings request."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str = "float"


class Provider:
    """The handler of the scripted provider."""

    def __init__(self, latches: Latches) -> None:
        self._latches, self._numbers = latches, itertools.count(1)
        self._paths: dict[tuple[str, str], Callable[[Request], Awaitable[Answer]]] = {
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/embeddings"): self._embed,
            ("GET", "/v1/models"): self._models,
            ("GET", "/health"): self._health,
        }

    async def __call__(self, request: Request) -> Answer:
        """Answer one request."""
        if (handler := self._paths.get((request.method, request.path))) is None:
            _fail(404, f"nothing at {request.method} {request.path}")
        return await handler(request)

    async def _chat(self, request: Request) -> Answer:
        try:
            chat = msgspec.json.decode(await request.body(), type=Chat)
            script = llm_scripts.choose(chat.model, _last_user(chat.messages))
        except msgspec.DecodeError as error:
            _fail(400, str(error))
        if script is None:
            _fail(404, f"The model `{chat.model}` does not exist")
        if script.tool is not None:
            last = chat.messages[-1]
            told = last.get("role") == "tool"
            script = llm_scripts.answered(script, _text(last)) if told else llm_scripts.offered(script, _names(chat))
        await asyncio.sleep(script.first_byte)
        _refuse(script)
        return _Speech(self, chat, script).answer()

    def latch(self, script: Script) -> Latch | None:
        """The latch a script names."""
        return self._latches.get(script.latch) if script.latch else None

    def identity(self) -> str:
        """A new completion id."""
        return f"chatcmpl-scripted-{next(self._numbers)}"

    @staticmethod
    async def _embed(request: Request) -> Answer:
        try:
            embed = msgspec.json.decode(await request.body(), type=Embed)
        except msgspec.DecodeError as error:
            _fail(400, str(error))
        if (script := NAMED.get(embed.model)) is None:
            _fail(404, f"The model `{embed.model}` does not exist")
        _refuse(script)
        texts, size = _inputs(embed.input), embed.dimensions or _DIMENSIONS
        if not 0 < size <= 4096 or len(texts) > 2048:
            _fail(400, "dimensions must be 1 to 4096, inputs at most 2048")
        used = sum(count(text) for text in texts)
        rows = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector(text, size), embed.encoding_format)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": used, "total_tokens": used}
        answer = Answer.json({"object": "list", "data": rows, "model": embed.model, "usage": usage})
        answer.note = {"model": embed.model, "usage": usage}
        return answer

    @staticmethod
    async def _models(request: Request) -> Answer:
        models = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "triplegate"} for name in NAMED]
        return Answer.json({"object": "list", "data": models})

    @staticmethod
    async def _health(request: Request) -> Answer:
        return Answer.json({"status": "ok"})


class _Speech:
    """One chat answer, streamed or whole."""

    def __init__(self, provider: Provider, chat: Chat, script: Script) -> None:
        self._chat, self._script = chat, script
        limit = chat.max_completion_tokens or chat.max_tokens
        words = script.words()
        self._cut_short = limit is not None and len(words) > limit
        self._words = words[:limit]
        self._latch = provider.latch(script)
        self._base = {"id": provider.identity(), "created": _CREATED, "model": chat.model}
        self._finish = "length" if self._cut_short else "tool_calls" if script.tool else "stop"
        self._reasoned = len(llm_scripts.pieces(script.reasoning))
        self._prompt = sum(count(str(message.get("content") or "")) + 3 for message in chat.messages)

    def answer(self) -> Answer:
        """The answer as HTTP."""
        if self._script.fault == "html":
            return Answer(b"<html><body>Bad gateway</body></html>", 200, "text/html")
        if self._chat.stream:
            answer = Answer(self._stream(), content_type="text/event-stream", headers=[("cache-control", "no-store")])
        elif self._script.fault:
            answer = Answer(self._broken(), content_type="application/json")
        else:
            answer = Answer.json(self._whole())
        answer.note = self._note = {"model": self._chat.model, "usage": self._usage(len(self._words))}
        if self._latch is not None:
            answer.ended = self._latch.end
        return answer

    def _usage(self, said: int) -> dict[str, Any]:
        tool = count(msgspec.json.encode(self._script.tool).decode()) if self._script.tool else 0
        completion = said + tool + self._reasoned
        return {
            "prompt_tokens": self._prompt,
            "completion_tokens": completion,
            "total_tokens": self._prompt + completion,
            "prompt_tokens_details": {"cached_tokens": min(self._script.cached, self._prompt), "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": self._reasoned, "audio_tokens": 0},
        }

    def _tool_calls(self) -> list[dict[str, Any]]:
        tool = self._script.tool
        if tool is None:
            return []
        arguments = msgspec.json.encode(tool.arguments).decode()
        return [{"id": "call_1", "type": "function", "function": {"name": tool.name, "arguments": arguments}}]

    def _whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._words) or None, "refusal": None}
        if self._script.reasoning:
            message["reasoning_content"] = self._script.reasoning
        if calls := self._tool_calls():
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        return {**self._base, "object": "chat.completion", "choices": [choice], "usage": self._usage(len(self._words))}

    async def _broken(self) -> AsyncGenerator[bytes, None]:
        """A whole answer with the script's fault in it."""
        if self._script.fault == "error":
            yield msgspec.json.encode(llm_scripts.error(500, "The server had an error"))
            return
        body = msgspec.json.encode(self._whole())
        yield body[: len(body) // 2]
        await self._break()

    async def _break(self) -> None:
        if self._script.fault in {"cut", "reset"}:
            raise Cut(reset=self._script.fault == "reset")
        if self._script.fault == "stall":
            await asyncio.sleep(_STALL)

    def _event(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _said({**self._base, "object": "chat.completion.chunk", "choices": [choice]})

    def _deltas(self) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = [{"reasoning_content": w} for w in llm_scripts.pieces(self._script.reasoning)]
        deltas += [{"content": word} for word in self._words]
        for index, call in enumerate(self._tool_calls()):
            function = call["function"]
            deltas.append({"tool_calls": [call | {"index": index, "function": function | {"arguments": ""}}]})
            deltas += [
                {"tool_calls": [{"index": index, "function": {"arguments": part}}]}
                for part in re.findall(r".{1,8}", function["arguments"])
            ]
        return deltas

    async def _stream(self) -> AsyncGenerator[bytes, None]:
        script = self._script
        yield self._event({"role": "assistant", "content": "", "refusal": None})
        self._note["usage"] = self._usage(0)
        said = 0
        for number, delta in enumerate(self._deltas()):
            if script.fault and number == script.after:
                async for piece in self._fault():
                    yield piece
                return
            if self._latch is not None:
                await self._latch.pass_one()
            if number:
                await asyncio.sleep(script.pace)
            yield self._event(delta)
            said += "content" in delta
            self._note["usage"] = self._usage(said)
        yield self._event({}, self._finish)
        if (self._chat.stream_options or {}).get("include_usage"):
            yield _said({**self._base, "object": "chat.completion.chunk", "choices": [], "usage": self._usage(said)})
        yield b"data: [DONE]\n\n"

    async def _fault(self) -> AsyncGenerator[bytes, None]:
        if self._script.fault == "error":
            yield _said(llm_scripts.error(503, "The engine is overloaded"))
        elif self._script.fault == "malformed":
            yield b'data: {"id": "chatcmpl-broken", "choices": [{"index": 0, "del\n\n'
        else:
            await self._break()


def _said(value: Any) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(value)


def _fail(status: int, message: str, *headers: tuple[str, str]) -> NoReturn:
    raise Refused(Answer.json(llm_scripts.error(status, message), status, headers))


def _refuse(script: Script) -> None:
    if script.status != 200:
        headers = [("retry-after", f"{script.retry_after:g}")] if script.retry_after is not None else []
        _fail(script.status, f"scripted to fail with {script.status}", *headers)


def _last_user(messages: list[dict[str, Any]]) -> str:
    return _text(next((message for message in reversed(messages) if message.get("role") == "user"), {}))


def _names(chat: Chat) -> list[str]:
    """The functions that are offered."""
    functions = [tool.get("function") for tool in chat.tools or () if isinstance(tool, dict)]
    return [str(function.get("name")) for function in functions if isinstance(function, dict)]


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def count(text: str) -> int:
    """Tokens of a text, as this provider counts: words and marks."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def _inputs(value: str | list[str | int | list[int]]) -> list[str]:
    if isinstance(value, str):
        return [value]
    if value and isinstance(value[0], int):  # one text, as token ids
        return [" ".join(map(str, value))]
    return [" ".join(map(str, item)) if isinstance(item, list) else str(item) for item in value]


def vector(text: str, size: int) -> list[float]:
    """A unit vector, the same for the same text and nearer for texts that share words."""
    total = [0.0] * size
    for word in re.findall(r"\w+", text.lower())[:256] or [""]:
        raw = hashlib.shake_256(word.encode()).digest(size)
        total = [old + byte - 127.5 for old, byte in zip(total, raw, strict=True)]
    length = sum(value * value for value in total) ** 0.5
    return [value / length for value in total]


def _encoded(values: list[float], form: str) -> list[float] | str:
    if form != "base64":
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def handler(journal: Journal | None = None) -> Handler:
    """The scripted provider, ready for a `Server`."""
    latches = Latches()
    return Control("llm", Provider(latches), latches, journal)
