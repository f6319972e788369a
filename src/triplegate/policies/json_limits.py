"""Refuse JSON that is built to hurt whoever parses it."""

import asyncio
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.config.types import Size
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.wire.json_shape import fault_of

_ON_LOOP = 262_144
"""Bytes that are looked through in the loop: under 1 ms; larger bodies go to a thread."""


class JsonLimits(Policy):
    """Read bodies that say they are JSON whole, and refuse what is none, nests too deep or has too many members."""

    use: Literal["json_limits"] = "json_limits"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.SCREEN
    gates: ClassVar = frozenset({"api"})
    reads_call: ClassVar = "whole"
    depth: Annotated[int, Field(ge=1, le=512)] = 64
    """Objects and lists within one another."""
    keys: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Members of all objects together."""
    max: Annotated[Size, Field(ge=1, le=64 << 20)] = 1 << 20
    """Bytes of such a body, which is held in memory; above it 413."""

    def build(self, kit: Kit) -> Step:
        """A step that reads the body before it goes on."""

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            inbound = exchange.inbound
            if inbound.body.kind != "none" and _is_json(inbound.header(b"content-type")):
                text = await inbound.body.whole(self.max)
                if len(text) > _ON_LOOP:
                    fault = await asyncio.to_thread(fault_of, text, self.depth, self.keys)
                else:
                    fault = fault_of(text, self.depth, self.keys)
                if fault:
                    raise Refusal("invalid_body", fault, policy=self.label)
            return await proceed(exchange)

        return step


def _is_json(kind: bytes | None) -> bool:
    name = b"" if kind is None else kind.partition(b";")[0].strip().lower()
    return name == b"application/json" or name.endswith(b"+json")
