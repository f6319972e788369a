"""What a response with tools of MCP servers can be gone on from: its conversation, kept for a while for its caller."""

import contextlib
import hashlib

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.core.ports import Kit
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp_items import Asked, History

PREFIX = "resp_mcp_"
"""How the ids of such responses begin."""
_MOST = 1024 * 1024
"""Bytes of one conversation."""
_USED = 86_400.0


class Kept(msgspec.Struct):
    """A conversation."""

    entries: list[Raw] = []
    """As the model reads it."""
    listed: dict[str, list[Raw]] = {}
    asked: dict[str, Asked] = {}
    previous: str = ""
    """The provider's own response that comes before all of it."""

    def history(self) -> History:
        """As what was said before."""
        return History(list(self.entries), dict(self.listed), dict(self.asked))


class Answered(msgspec.Struct):
    """A response as its caller has it, for when it is asked for again."""

    response: Raw
    input: Raw
    """What it was asked with, as it came."""
    turns: list[str] = []
    """Its turns that the model's provider keeps, by the ids that its caller would have for them."""


_decode = msgspec.json.Decoder(Kept).decode
_told = msgspec.json.Decoder(Answered).decode
_encode = msgspec.json.Encoder().encode


class ToolKeeping:
    """Keeps and finds them; only whoever was answered finds anything."""

    __slots__ = ("_kit", "_ttl")

    def __init__(self, kit: Kit, ttl: float) -> None:
        self._kit, self._ttl = kit, ttl

    async def find(self, identity: str, principal: Principal) -> Kept:
        """The conversation. Raises Refusal previous_response_not_found."""
        text = await self._kit.cache.get(_key(identity, principal))
        if text is None:
            raise Refusal(
                "previous_response_not_found",
                "There is no such previous response, or it is not kept any more.",
                payload={"param": "previous_response_id"},
            )
        return _decode(text)

    async def keep(self, identity: str, principal: Principal, kept: Kept) -> None:
        """Keep it where that is wanted; what is too large, and what cannot be kept now, is not."""
        await self._put(_key(identity, principal), kept)

    async def tell(self, identity: str, principal: Principal, told: Answered) -> None:
        """Keep the response itself in the same way."""
        await self._put(_key(identity, principal, "told"), told)

    async def _put(self, key: str, kept: Kept | Answered) -> None:
        text = _encode(kept) if self.keeps else b""
        if 0 < len(text) <= _MOST:
            with contextlib.suppress(Refusal):
                await self._kit.cache.put(key, text, self._ttl)

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._ttl > 0

    async def told(self, identity: str, principal: Principal) -> Answered:
        """The response itself. Raises Refusal response_not_found."""
        text = await self._kit.cache.get(_key(identity, principal, "told"))
        if text is None:
            detail = "There is no such response, or it is not kept any more, or it was too large to be kept."
            raise Refusal("response_not_found", detail, payload={"param": "id"})
        return _told(text)

    async def drop(self, identity: str, principal: Principal) -> None:
        """Nothing of it is found any more."""
        await self._kit.cache.drop(_key(identity, principal))
        await self._kit.cache.drop(_key(identity, principal, "told"))

    async def use(self, request: str, principal: Principal) -> None:
        """A yes counts once. Raises Refusal approval_declined for one that was used before."""
        if not await self._kit.once.first(f"llm-approval|{_key(request, principal)}", _USED):
            raise Refusal(
                "unsupported_parameter",
                f"The approval of {request[:128]} was used before: a call is made once.",
                payload={"param": "input"},
            )


def _key(identity: str, principal: Principal, part: str = "tools") -> str:
    owner = f"{principal.team_ref}\0{principal.consumer}\0{identity}"
    return f"llm-{part}:" + hashlib.sha256(owner.encode()).hexdigest()
