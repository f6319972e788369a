"""Reads one reply after another off the bytes of a connection: strict llhttp and our own rules; no I/O (RFC 9112)."""

import httptools

from triplegate.core.http import Headers
from triplegate.upstreams.answer import Answer
from triplegate.upstreams.head import FORBIDDEN_TRAILERS, HEAD_LIMIT, Malformed, judge, keep_alive_hint

_CHUNK_LINE = 24
_CHUNK_EXTRA = 8 * 1024
"""Bytes of chunk extensions and trailers that one reply may have in all."""


class ReplyReader:
    """Fills an Answer; knows framing, limits and whether the connection may serve another request."""

    __slots__ = (
        "_body_bytes",
        "_chunked",
        "_chunks",
        "_fields",
        "_head_only",
        "_head_size",
        "_interim",
        "_overhead",
        "_parser",
        "_tail",
        "_upgradable",
        "answer",
        "dirty",
        "hint",
        "keep",
        "served",
        "until_end",
    )

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.served = 0
        """Requests sent so far."""
        self.hint: float | None = None
        """Seconds after which the upstream says it closes idle connections."""
        self.keep = True
        """The reply does not end the connection."""
        self.dirty = False
        """Bytes came that belong to no reply: nothing after them can be trusted."""
        self.until_end = False
        """The end of the connection is the end of the content."""
        self._fields: Headers = []
        self._tail = b""
        self._head_only = self._upgradable = False
        self._parser = httptools.HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        self._head_size = self._body_bytes = self._chunks = self._overhead = 0
        self._chunked = self._interim = self.until_end = self.dirty = False
        self.keep = True
        self._tail = b""

    def expect(self, answer: Answer, *, head_only: bool, upgradable: bool) -> None:
        """The next reply is `answer`'s."""
        if self.served:
            self._reset()
        self.served += 1
        self.answer = answer
        self._fields = answer.headers
        self._head_only = head_only
        self._upgradable = upgradable

    @property
    def heard(self) -> bool:
        """Whether any byte of the current reply has come."""
        return self._head_size > 0

    def feed(self, answer: Answer, data: bytes) -> bytes | None:
        """Take in `data`; after a 101 the bytes behind its head, else None. Raises Malformed."""
        if not answer.status:
            self._head_size += len(data)
        before = self._body_bytes
        try:
            if self._head_only:
                self._feed_head_only(answer, data)
            else:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            if not answer.complete:
                raise Malformed(str(error.__context__ or error)) from None
            self.dirty = True
        if self._head_size > HEAD_LIMIT:
            self._measure_head(answer)
        if self._chunked:
            self._measure_chunks(answer, len(data) - self._body_bytes + before)
        return None

    def finished(self, answer: Answer) -> None:
        """The reply is whole: make ready for the next one."""
        if answer.trailers:
            answer.trailers[:] = [field for field in answer.trailers if field[0] not in FORBIDDEN_TRAILERS]
        if self._head_only:
            self._parser = httptools.HttpResponseParser(self)  # the old one still waits for a body

    # the parser's side ---------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        """A status line begins."""
        if self.answer is None or self.answer.complete:
            self.dirty = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of head or trailers."""
        self._fields.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """A head is whole: interim or final."""
        answer = self.answer
        if answer is None or answer.complete:
            return
        parser = self._parser
        status = parser.get_status_code()
        if status < 200:
            self._interim_head(answer, status)
            return
        if status > 599:
            raise Malformed("a status that does not exist")
        version = parser.get_http_version()
        if version != "1.1" and version != "1.0":
            raise Malformed("not HTTP/1.x")
        headers = answer.headers
        self._chunked = judge(headers, version=version)
        self.keep = parser.should_keep_alive()
        self._fields = answer.trailers
        answer.status = status
        if self._head_only or status == 204 or status == 304:
            self._bodyless(answer, status)
        elif not self.keep and not self._chunked:
            self.until_end = all(name != b"content-length" for name, _ in headers)
        self.hint = keep_alive_hint(headers) if self.served == 1 else self.hint

    def on_body(self, content: bytes) -> None:
        """A piece of content."""
        answer = self.answer
        if answer is None or answer.complete:
            self.dirty = True
            return
        self._body_bytes += len(content)
        answer.buffer.append(content)

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        self._chunks += 1

    def on_message_complete(self) -> None:
        """A message is whole: interim or final."""
        answer = self.answer
        if self._interim:
            self._interim = False
        elif answer is not None and (not answer.complete or self._head_only):
            answer.complete = True
        else:
            self.dirty = True

    # the steps of the above ----------------------------------------------------------------------------------
    def _interim_head(self, answer: Answer, status: int) -> None:
        """1xx: relayed and forgotten (RFC 9110 §15.2); 101 only where it was asked for."""
        if status < 100 or (status == 101 and not self._upgradable):
            raise Malformed(f"an unexpected {status}")
        if judge(answer.headers, version="1.1") or any(name == b"content-length" for name, _ in answer.headers):
            raise Malformed("an interim reply with content")
        if status == 101:
            answer.status = 101
            return
        self._interim = True
        answer.informational = status
        headers: Headers = answer.headers[:]
        answer.headers.clear()
        if answer.on_informational is not None:
            answer.on_informational(status, headers)

    def _bodyless(self, answer: Answer, status: int) -> None:
        """HEAD, 204, 304: complete with the head, whatever its fields say (RFC 9112 §6.3)."""
        self._chunked = self.until_end = False
        if self._head_only:
            answer.complete = True  # the parser would wait for the content; of 204 and 304 it knows
        if status == 204:
            answer.headers[:] = [field for field in answer.headers if field[0] != b"content-length"]

    def _feed_head_only(self, answer: Answer, data: bytes) -> None:
        """Of a reply to HEAD the parser sees heads only: what stands behind the final one is nobody's."""
        while data and not answer.status:
            known = self._tail + data
            end = known.find(b"\r\n\r\n")
            if end < 0:
                self._tail = known[-3:]
                self._parser.feed_data(data)
                return
            cut = end + 4 - len(self._tail)
            self._tail = b""
            self._parser.feed_data(data[:cut])
            data = data[cut:]
        if data:
            self.dirty = True

    def _measure_head(self, answer: Answer) -> None:
        """The head's limit; measured exactly only once this much has come."""
        if not answer.status or _size(answer.headers) > HEAD_LIMIT:
            answer.status = 0  # nobody was told of it yet: it is no head
            raise Malformed(f"a head of more than {HEAD_LIMIT} bytes")
        self._head_size = 1

    def _measure_chunks(self, answer: Answer, overhead: int) -> None:
        """Chunk extensions and trailers are bounded in all; the head, if it came along, is subtracted when in doubt."""
        self._overhead += overhead
        allowed = self._chunks * _CHUNK_LINE + _CHUNK_EXTRA
        if self._overhead > allowed and self._overhead - _size(answer.headers) > allowed:
            raise Malformed("too much chunk overhead")


def _size(headers: Headers) -> int:
    """Bytes of a head on the wire; the status line is taken for nothing."""
    return sum([len(name) + len(value) + 4 for name, value in headers])
