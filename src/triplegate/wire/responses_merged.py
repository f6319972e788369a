"""One response made of several turns of a model and the calls between them: its items, events, usage and end."""

from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode, read_members, set_members
from triplegate.wire.neutral import Raw

_ADOPTED = ("model", "service_tier", "reasoning", "temperature", "top_p")
"""What the last turn knows better than the call."""
_CODES = {429: "rate_limit_exceeded", 400: "invalid_prompt"}
"""Words of the dialect for why a response failed, by status; for all others it is the server."""
_any = msgspec.json.Decoder().decode


class Merged:
    """What the client gets: numbers and places run through all turns."""

    __slots__ = ("_number", "_pending", "_streamed", "output", "response", "size", "status", "usage")

    def __init__(self, response: dict[str, Any], *, streamed: bool) -> None:
        self.response, self._streamed = response, streamed
        self.output: list[Any] = []
        """Items by place; None until they are done."""
        self.size = 0
        """Bytes of events, or of items where nothing is streamed."""
        self.status = "in_progress"
        self.usage: dict[str, Any] = {}
        self._number = 0
        self._pending: list[bytes] = []

    @property
    def identity(self) -> str:
        """The response's id without the beginning that all have."""
        return str(self.response["id"]).removeprefix("resp_")

    def take(self) -> bytes:
        """The events since the last time."""
        events = b"".join(self._pending)
        self._pending.clear()
        return events

    # events ----------------------------------------------------------------------------------------------------------
    def event(self, kind: str, said: dict[str, Any]) -> None:
        """One event of ours."""
        if self._streamed:
            self._write(kind, encode({"type": kind, "sequence_number": self._number, **said}))

    def relay(self, kind: str, text: bytes, place: int | None) -> None:
        """A turn's event with the number, and the place of its item, that it has here."""
        if not self._streamed:
            return
        changes = {"sequence_number": b"%d" % self._number}
        if place is not None:
            changes["output_index"] = b"%d" % place
        self._write(kind, set_members(text, read_members(text), changes))

    def _write(self, kind: str, text: bytes) -> None:
        self._number += 1
        self.size += len(text)
        self._pending.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), text))

    def begin(self) -> None:
        """It is there, and nothing is said yet."""
        self.event("response.created", {"response": self.response})
        self.event("response.in_progress", {"response": self.response})

    # items -----------------------------------------------------------------------------------------------------------
    def place(self) -> int:
        """The place of the next item."""
        self.output.append(None)
        return len(self.output) - 1

    def add(self, item: dict[str, Any]) -> int:
        """An item begins; its place."""
        place = self.place()
        self.event("response.output_item.added", {"output_index": place, "item": item})
        return place

    def tell(self, kind: str, place: int, identity: str, **more: Any) -> None:
        """Something happens to an item."""
        self.event(kind, {"output_index": place, "item_id": identity, **more})

    def done(self, place: int, item: dict[str, Any]) -> None:
        """An item of ours is whole."""
        self.keep(place, item)
        self.event("response.output_item.done", {"output_index": place, "item": item})

    def keep(self, place: int, item: Any) -> None:
        """An item is whole, and was told."""
        self.output[place] = item
        if not self._streamed:
            self.size += len(item) if isinstance(item, Raw) else len(encode(item))

    # the end ---------------------------------------------------------------------------------------------------------
    def count(self, usage: Raw) -> None:
        """Add what a turn used."""
        said = _any(usage) if len(usage) else None
        if isinstance(said, dict):
            _add(self.usage, said)

    @property
    def written(self) -> int:
        """Tokens that the model has written."""
        said = self.usage.get("output_tokens", 0)
        return said if isinstance(said, int) else 0

    def adopt(self, last: dict[str, Raw]) -> None:
        """What a turn's own response knows better."""
        self.response |= {name: last[name] for name in _ADOPTED if name in last}

    def end(self, status: str, details: Any = None) -> None:
        """It is whole: completed or incomplete."""
        self._close(status)
        self.response["incomplete_details"] = details
        self.event(f"response.{status}", {"response": self.response})

    def fail(self, status: int, message: str) -> None:
        """It ends here, with what there is until now."""
        self._close("failed")
        self.response["error"] = {"code": _CODES.get(status, "server_error"), "message": message}
        self.event("response.failed", {"response": self.response})

    def _close(self, status: str) -> None:
        self.status = status
        self.response["status"] = status
        self.response["output"] = [item for item in self.output if item is not None]
        self.response["usage"] = self.usage or None

    def whole(self) -> bytes:
        """The response alone."""
        return encode(self.response)


def _add(total: dict[str, Any], said: dict[str, Any]) -> None:
    for name, value in said.items():
        if isinstance(value, dict):
            inner = total.setdefault(name, {})
            if isinstance(inner, dict):
                _add(inner, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            before = total.get(name, 0)
            total[name] = value + before if isinstance(before, int | float) else value


def said_of(body: bytes) -> str:
    """What an error object says."""
    try:
        said = _any(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    error = said.get("error") if isinstance(said, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else "The model could not be asked."


def malformed(error: Exception) -> Refusal:
    """A turn cannot be read."""
    return Refusal("upstream_malformed", "The model's answer cannot be read.", reason=str(error))
