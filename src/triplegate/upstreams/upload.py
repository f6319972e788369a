"""Send a request body that arrives piece by piece: framing made here, waits bounded, never completed by a lie."""

from collections.abc import AsyncIterator

from triplegate.core.errors import Refusal
from triplegate.upstreams.http1 import Connection

LAST_CHUNK = b"0\r\n\r\n"


class Upload:
    """The body of one request: its iterator, how it is framed and how much has been sent."""

    __slots__ = ("_chunks", "_idle", "_length", "ended", "sent")

    def __init__(self, chunks: AsyncIterator[bytes], length: int | None, idle: float) -> None:
        self._chunks = chunks
        self._length = length
        self._idle = idle
        self.sent = 0
        self.ended = False

    @property
    def framing(self) -> bytes:
        """The field that announces it (RFC 9112 §6)."""
        return b"transfer-encoding: chunked\r\n" if self._length is None else b"content-length: %d\r\n" % self._length

    @property
    def filled(self) -> bool:
        """All announced bytes are sent; a chunked body is never filled before it ends."""
        return self._length is not None and self.sent >= self._length

    async def first(self) -> bytes:
        """The first piece, framed; the whole framed body when it is empty. Raises what the client's side raises."""
        async for content in self._chunks:
            if content:
                return self.framed(content)
        return self.finish()

    def framed(self, content: bytes) -> bytes:
        """One piece on the wire. Raises Refusal internal when it exceeds what was announced."""
        self.sent += len(content)
        if self._length is None:
            return b"%x\r\n%b\r\n" % (len(content), content)
        if self.sent > self._length:
            raise Refusal("internal", reason="the request body is longer than its Content-Length")
        return content

    def finish(self) -> bytes:
        """What ends it. Raises Refusal internal when less came than was announced."""
        self.ended = True
        if self._length is None:
            return LAST_CHUNK
        if self.sent != self._length:
            raise Refusal("internal", reason="the request body is shorter than its Content-Length")
        return b""

    async def exhaust(self) -> None:
        """All announced bytes are out: let the source see its end."""
        async for content in self._chunks:
            self.framed(content)
        self.ended = True

    async def rest(self, connection: Connection, first_byte: float) -> None:
        """Everything after the first piece; a task of its own, since an answer may come before the end (P-16).

        Whatever ends the body early aborts the connection, so that the upstream never takes it for whole.
        """
        try:
            async for content in self._chunks:
                if connection.gone or not connection.uploading:
                    return
                if content:
                    connection.write(self.framed(content))
                    await connection.drain(self._idle)
            connection.write(self.finish())
        except Exception as error:  # noqa: BLE001 - it belongs to the exchange that waits for the answer
            connection.cancel_upload = None
            connection.fail(error)
            return
        connection.uploaded()
        answer = connection.answer
        if answer is not None and answer.waiter is not None:
            connection.arm(*((answer.idle, "idle") if answer.status else (first_byte, "first byte")))
