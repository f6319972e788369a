"""Schemas of tools, compiled once per content, and what they say of a value, within bounds on size, work and time."""

import asyncio
import hashlib

import msgspec

from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import OwnItem
from triplegate.wire.json_members import read_members
from triplegate.wire.schemas import Schema, compiled, faults

LONGEST = 2.0
"""Seconds a value may take; what takes longer fits nothing."""

_ASIDE = 65_536  # bytes of a value, or of a schema, from which on the work is done beside the loop
_AT_ONCE = 2  # such works; the others wait their turn
_KEPT = 4096
_TRIVIAL = frozenset({b"", b"{}", b"true", b'{"type":"object"}'})


class Pair(msgspec.Struct, frozen=True, eq=False):
    """The schemas of a tool; None: nothing is asked."""

    arguments: Schema | None
    result: Schema | None


class Compiled:
    """Schemas by the digest of their content: servers and reloads share them."""

    __slots__ = ("by_digest",)

    def __init__(self) -> None:
        self.by_digest: dict[bytes, Schema] = {}


class Schemas:
    """Finds the schemas of tools and holds values against them."""

    __slots__ = ("_aside", "_by_item", "_compiled")

    def __init__(self, kit: Kit) -> None:
        self._compiled = kit.state(Compiled, "schemas", Compiled)
        self._by_item: dict[OwnItem, Pair] = {}
        self._aside = asyncio.Semaphore(_AT_ONCE)

    async def of(self, tool: OwnItem) -> Pair:
        """What the tool's definition asks of arguments and result."""
        found = self._by_item.get(tool)
        if found is None:
            members = read_members(tool.definition)
            asked = bytes(members.get("inputSchema", b"")), bytes(members.get("outputSchema", b""))
            found = Pair(*[await self._schema(text) for text in asked])
            if len(self._by_item) >= _KEPT:
                self._by_item.clear()
            self._by_item[tool] = found
        return found

    async def _schema(self, text: bytes) -> Schema | None:
        if text in _TRIVIAL:
            return None
        digest, known = hashlib.sha256(text).digest(), self._compiled.by_digest
        found = known.get(digest)
        if found is None:
            if len(text) < _ASIDE:
                found = compiled(text)
            else:
                async with self._aside:
                    found = await asyncio.to_thread(compiled, text)
            if len(known) >= _KEPT:
                known.clear()
            known[digest] = found
        return found

    async def why_not(self, schema: Schema, value: bytes) -> str:
        """Where and why a raw value does not fit; empty when it does."""
        if schema.validator is None:
            return f"the schema cannot be used: {schema.broken}"
        if len(value) < _ASIDE:
            return faults(schema.validator, value)
        try:
            async with asyncio.timeout(LONGEST), self._aside:
                return await asyncio.to_thread(faults, schema.validator, value)
        except TimeoutError:
            return "it takes too long to compare"
