"""Calls to a model that fails in one way, with or without another one behind it, and what became of them."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
import openai

WITHIN = 20.0
"""Seconds after which a call hangs."""


class Cell(msgspec.Struct, frozen=True):
    """One way to fail of one provider's dialect."""

    dialect: str
    fault: str
    streamed: bool
    saved: bool
    """Whether there is a healthy model to fall back to."""

    @property
    def model(self) -> str:
        """The name that clients ask for."""
        form = "stream" if self.streamed else "whole"
        return f"{self.dialect}/{self.fault}/{form}/{'saved' if self.saved else 'alone'}"


async def call(client: openai.AsyncOpenAI, cell: Cell, wanted: str) -> str:
    """What became of one call: ok, wrong (an answer, but not the healthy one's), a status, in-band, or hung."""
    messages: Any = [{"role": "user", "content": "Hello"}]
    try:
        async with asyncio.timeout(WITHIN):
            if cell.streamed:
                stream = await client.chat.completions.create(model=cell.model, messages=messages, stream=True)
                text, ended = "", False
                async for chunk in stream:
                    for choice in chunk.choices:
                        text += choice.delta.content or ""
                        ended = ended or choice.finish_reason is not None
                return "ok" if text == wanted and ended else f"wrong: {text!r}, ended {ended}"
            reply = await client.chat.completions.create(model=cell.model, messages=messages)
            text = reply.choices[0].message.content or ""
            return "ok" if text == wanted else f"wrong: {text!r}"
    except openai.APIStatusError as error:
        return str(error.status_code)
    except (openai.APITimeoutError, TimeoutError):
        return "hung"
    except openai.APIConnectionError as error:
        return f"cut: {error.__cause__!r}"
    except openai.APIError:
        return "in-band"
    except json.JSONDecodeError:
        return "broken"


async def run(
    client: openai.AsyncOpenAI, cells: Iterable[Cell], times: int, wanted: str, width: int = 16
) -> dict[Cell, Counter[str]]:
    """Every cell so often, `width` calls at a time, the cells mixed."""
    seen: dict[Cell, Counter[str]] = {cell: Counter() for cell in cells}
    places = asyncio.Semaphore(width)

    async def one(cell: Cell) -> None:
        async with places:
            seen[cell][await call(client, cell, wanted)] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(times):
            for cell in seen:
                group.create_task(one(cell))
    return seen
