"""Files of a batch, line by line: which model each call asks for on its way in, and what each answer used."""

from collections.abc import Callable, Iterator

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import read_members
from triplegate.wire.responses_mcp import names_servers, servers_refused

MOST_LINE = 8 << 20
"""Bytes of one line."""

_string = msgspec.json.Decoder(str).decode


class Lines:
    """Cuts what comes into lines."""

    __slots__ = ("_pieces", "_size", "most")

    def __init__(self, most: int = MOST_LINE) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self.most = most

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The whole lines so far, without their ends. Raises Refusal invalid_body for one that is too long."""
        first, *others = chunk.split(b"\n")
        self._add(first)
        for line in others:
            yield self.rest()
            self._add(line)

    def rest(self) -> bytes:
        """What has come of the last line."""
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return line

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self.most:
            raise Refusal("invalid_body", f"A line of the file has more than {self.most} bytes.")
        self._pieces.append(piece)


class CallLines:
    """Looks at the calls of a batch: for a model that may not be used, or with servers of the client's, it is none."""

    __slots__ = ("_lines", "_may", "_number", "_servers")

    def __init__(self, may: Callable[[str], bool], servers: Callable[[str], bool]) -> None:
        """`servers`: whether MCP servers in calls of a model are left to its provider."""
        self._lines, self._may, self._servers, self._number = Lines(), may, servers, 0

    def feed(self, chunk: bytes) -> None:
        """Look at more of the file. Raises Refusal invalid_body, model_not_found."""
        for line in self._lines.feed(chunk):
            self._look(line)

    def finish(self) -> None:
        """Look at a last line that has no end. Raises as `feed`."""
        self._look(self._lines.rest())

    def _look(self, line: bytes) -> None:
        self._number += 1
        if not line.strip():
            return
        try:
            body = read_members(line).get("body")
            members = {} if body is None else read_members(bytes(body))
            model = _string(members["model"]) if "model" in members else None
        except (Refusal, msgspec.DecodeError, UnicodeDecodeError) as broken:
            raise Refusal(
                "invalid_body", f"Line {self._number} of the file is no call of a batch.", reason=str(broken)
            ) from broken
        if model is None:
            raise Refusal("invalid_body", f"Line {self._number} of the file names no model.")
        if not self._may(model):
            raise Refusal(
                "model_not_found",
                f"Line {self._number} of the file asks for the model '{model[:128]}', which does not exist at the "
                "provider of files, or you may not use it. A batch names models as the provider does.",
            )
        named = "mcp_servers" in members or names_servers(bytes(members.get("tools", b"")))
        if named and not self._servers(model):
            raise servers_refused(f"in batches (line {self._number} of the file)")


class _Response(msgspec.Struct, gc=False):
    status_code: int = 0
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Answer(msgspec.Struct, gc=False):
    response: _Response | None = None


class _Body(msgspec.Struct, gc=False):
    object: str | None = None
    model: str | None = None


_answer = msgspec.json.Decoder(_Answer).decode
_body = msgspec.json.Decoder(_Body).decode


def read_answer(line: bytes) -> tuple[str, str, bytes] | None:
    """The model, the kind of object and the whole answer on one line of a batch's output; None where there is none."""
    try:
        answer = _answer(line)
        if answer.response is None or answer.response.status_code != 200:
            return None
        text = bytes(answer.response.body)
        said = _body(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return (said.model, said.object or "", text) if said.model else None
