"""Put words of the operator's into the system prompt of a model call, before the client's, behind them, or instead."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import Field, model_validator

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.wire.neutral import Message, Request, Text

_NAME = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_ANY = re.compile(r"\{\{|\}\}")
NAMES = ("org", "team", "consumer", "plan", "model")
"""What a template may name; nothing of it comes from the client."""


class SystemPrompt(Policy):
    """Add `text` to the system prompt; `{{team}}`, `{{consumer}}`, `{{org}}`, `{{plan}}`, `{{model}}` are filled in.

    There is no logic in a template. What is remembered of answers is kept apart by template and version.
    """

    use: Literal["system_prompt"] = "system_prompt"
    stage: ClassVar = Stage.SHAPE
    gates: ClassVar = frozenset({"llm"})
    reads_call: ClassVar = "whole"
    text: Annotated[str, Field(min_length=1, max_length=65_536)]
    """The words."""
    place: Literal["before", "after", "instead"] = "before"
    """Where they stand: before the client's own system prompt, behind it, or instead of it."""
    version: Annotated[str, Field(max_length=64)] = ""
    """Which one it is, for records: told in the decisions of each call."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        unknown = [name for name in _NAME.findall(self.text) if name not in NAMES]
        if unknown:
            raise ValueError(f"{{{{{unknown[0]}}}}} is no name; there are {', '.join(NAMES)}")
        if _ANY.search(_NAME.sub("", self.text)):
            raise ValueError("{{ and }} stand around a name only; there is no logic in a template")
        return self

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Rewrite the call; observing only notes that it would be."""
        call = exchange.call
        if call is None or getattr(call, "endpoint", None) is None or call.endpoint.codec is None:
            return None
        verdict = "would add" if self.mode == "observe" else "add"
        exchange.decisions.append((self.label, verdict, self.version))
        if self.mode == "enforce":
            call.rewrite(self._written(call.request(), self._filled(exchange)))
        return None

    def _filled(self, exchange: Exchange) -> str:
        principal = exchange.principal
        assert principal is not None
        known: dict[str, Any] = {name: getattr(principal, name, "") for name in NAMES[:-1]}
        known["model"] = exchange.call.model
        return _NAME.sub(lambda found: str(known[found[1]]), self.text)

    def _written(self, request: Request, text: str) -> Request:
        ours = Message("system", (Text(text),))
        messages = request.messages
        theirs = tuple(one for one in messages if one.role in ("system", "developer"))
        if self.place == "instead":
            kept = (ours, *[one for one in messages if one.role not in ("system", "developer")])
        elif self.place == "before" or not theirs:
            kept = (ours, *messages)
        else:
            behind = max(at for at, one in enumerate(messages) if one is theirs[-1]) + 1
            kept = (*messages[:behind], ours, *messages[behind:])
        return msgspec.structs.replace(request, messages=kept)
