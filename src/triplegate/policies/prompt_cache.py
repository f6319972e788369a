"""Mark what a provider should keep of a prompt, for clients that do not mark it themselves."""

from typing import Annotated, ClassVar, Literal

import msgspec
from pydantic import Field

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.wire.neutral import Message, NativeTool, Request, Text, Tool


class PromptCache(Policy):
    """Set cache breakpoints behind the tools, the system prompt or the last turn of a model call.

    Only providers whose dialect has breakpoints (Anthropic's, Bedrock's) get them; others cache by themselves. A call
    that has breakpoints of its own is left as it is.
    """

    use: Literal["prompt_cache"] = "prompt_cache"
    stage: ClassVar = Stage.SHAPE
    gates: ClassVar = frozenset({"llm"})
    reads_call: ClassVar = "whole"
    after: Annotated[tuple[Literal["tools", "system", "last_turn"], ...], Field(min_length=1)] = ("tools", "system")
    """Where breakpoints stand."""
    ttl: Literal["5m", "1h"] = "5m"
    """How long the provider keeps what stands before them."""
    least: Annotated[int, Field(ge=0)] = 4096
    """Bytes of a call below which none is set: providers do not keep short prompts."""

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Rewrite the call where it has none and is long enough."""
        call = exchange.call
        if call is None or getattr(call, "endpoint", None) is None or call.endpoint.codec is None:
            return None
        if call.size < self.least:
            return None
        request: Request = call.request()
        if request.cache or any(_marked(message) for message in request.messages):
            return None
        if any(tool.cache for tool in request.tools if isinstance(tool, Tool)):
            return None
        verdict = "would mark" if self.mode == "observe" else "mark"
        exchange.decisions.append((self.label, verdict, " ".join(self.after)))
        if self.mode == "enforce":
            call.rewrite(self._marked(request))
        return None

    def _marked(self, request: Request) -> Request:
        tools, messages = request.tools, list(request.messages)
        if "tools" in self.after and tools and not isinstance(tools[-1], NativeTool):
            tools = (*tools[:-1], msgspec.structs.replace(tools[-1], cache=self.ttl))
        if "system" in self.after:
            self._mark(messages, [at for at, one in enumerate(messages) if one.role in ("system", "developer")])
        if "last_turn" in self.after:
            self._mark(messages, [at for at, one in enumerate(messages) if one.role in ("user", "tool")])
        return msgspec.structs.replace(request, tools=tools, messages=tuple(messages))

    def _mark(self, messages: list[Message], places: list[int]) -> None:
        """Behind the last text of the last of these messages."""
        if not places:
            return
        message = messages[places[-1]]
        for at in range(len(message.parts) - 1, -1, -1):
            part = message.parts[at]
            if isinstance(part, Text) and part.text:
                marked = msgspec.structs.replace(part, cache=self.ttl)
                parts = (*message.parts[:at], marked, *message.parts[at + 1 :])
                messages[places[-1]] = msgspec.structs.replace(message, parts=parts)
                return


def _marked(message: Message) -> bool:
    return any(getattr(part, "cache", "") for part in message.parts)
