"""A form of files on its way to a provider: only its model is read and renamed, the files stream through."""

from collections.abc import AsyncIterator

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Body, BytesBody
from triplegate.wire.multipart import ModelFinder, boundary_of

KEPT = 1_048_576
"""Bytes up to which a form is read whole first, so that it can be sent to another deployment, too."""
_EARLY = 1_048_576
"""Bytes within which a larger form must say its model."""


class Form(msgspec.Struct, eq=False):
    """What was read of it: all of it, or enough to know its model."""

    text: bytes
    """What has come so far."""
    finder: ModelFinder
    rest: AsyncIterator[bytes] | None
    """What is still to come; None when it is whole."""
    length: int | None
    """Of all of it, where the client said so."""
    model: str
    content_type: bytes
    end_user: str | None = None

    def renamed(self, model: str) -> Body:
        """The form with its model named as the provider does; a body of one pass when it still comes."""
        span = self.finder.span
        assert span is not None
        start, end = span
        name = model.encode()
        head = self.text[:start] + name + self.text[end:]
        if self.rest is None:
            return BytesBody(head)
        length = None if self.length is None else self.length + len(name) - (end - start)
        return Rest(head, self.rest, self.finder, length)


class Rest(Body):
    """The beginning, then what still comes, looked at while it passes."""

    __slots__ = ("_finder", "_head", "_rest", "kind", "length", "started")

    def __init__(self, head: bytes, rest: AsyncIterator[bytes], finder: ModelFinder, length: int | None) -> None:
        self._head, self._rest, self._finder = head, rest, finder
        self.kind = "one_pass"
        self.length = length
        self.started = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Every piece as it came. Raises Refusal invalid_body when the form names a second model."""
        self.started = True
        yield self._head
        async for chunk in self._rest:
            self._finder.feed(chunk)
            yield chunk
        if not self._finder.ended:
            raise Refusal("invalid_body", "The form ends before its last boundary.")

    async def whole(self, limit: int) -> bytes:
        """Never asked for: it streams."""
        raise NotImplementedError


async def read_form(body: Body, content_type: bytes) -> Form:
    """Read as much of the form as it takes to know its model.

    Raises Refusal unsupported_media_type, or invalid_body: it is no form, or its model comes too late or not at all.
    """
    finder = ModelFinder(boundary_of(content_type))
    if body.length is not None and body.length <= KEPT:
        text = await body.whole(KEPT)
        finder.feed(text)
        if finder.span is None or not finder.ended:
            raise _no_model()
        return Form(text, finder, None, len(text), finder.model, content_type)
    pieces: list[bytes] = []
    size = 0
    chunks = body.chunks()
    async for chunk in chunks:
        finder.feed(chunk)
        pieces.append(chunk)
        size += len(chunk)
        if finder.span is not None:
            return Form(b"".join(pieces), finder, chunks, body.length, finder.model, content_type)
        if size > _EARLY:
            break
    raise _no_model()


def _no_model() -> Refusal:
    return Refusal(
        "invalid_body",
        "The form must name its model, and before its files when it is larger than 1 MiB.",
        payload={"param": "model"},
    )
