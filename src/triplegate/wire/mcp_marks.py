"""Ids that only we can have given to a session: of questions to its client, and of the events of its streams."""

import base64
import binascii
import hashlib
import hmac

import msgspec

_TAG = 16
_QUESTION = "gw:"
_LONGEST = 8192


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where in which stream an event stands."""

    server: str
    """Name of the server whose stream it is; empty for one of ours."""
    number: int
    """The id that the call has at the server; 0 for a stream that answers no call."""
    call: bytes
    """The raw id that the call has at the client."""
    event: bytes
    """The server's own event id; in a stream of ours, its name and place."""


class Marks:
    """Makes and reads such ids; what another session was given, or nobody, reads as nothing."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        """`secret`: the same on every node."""
        self._secret = hmac.digest(secret, b"mcp marks", "sha256")

    def question(self, session: str, server: str, identity: bytes) -> bytes:
        """The raw id under which the client is asked; `identity`: what the asker calls the question."""
        text = f"{_QUESTION}{server}:{_packed(identity)}"
        return b'"%b:%b"' % (text.encode("ascii"), self._tag(session, text))

    def read_question(self, session: str, given: bytes) -> tuple[str, bytes] | None:
        """(server, identity) of a raw id that a client answers to; None when the session was never asked so."""
        try:
            text = msgspec.json.decode(given, type=str) if len(given) <= _LONGEST else ""
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        said, _, tag = text.rpartition(":")
        if not said.startswith(_QUESTION) or not self._fits(session, said, tag):
            return None
        server, _, packed = said[len(_QUESTION) :].rpartition(":")
        return server, _unpacked(packed)

    def event(self, session: str, place: Place) -> bytes:
        """The event id that the client gets."""
        text = f"{place.server}~{place.number}~{_packed(place.call)}~{_packed(place.event)}"
        return b"%b~%b" % (text.encode("ascii"), self._tag(session, text))

    def read_event(self, session: str, given: bytes) -> Place | None:
        """The place that a Last-Event-ID names; None when the session was never given it."""
        said, _, tag = given[:_LONGEST].decode("latin-1").rpartition("~")
        if not self._fits(session, said, tag):
            return None
        server, number, call, event = said.rsplit("~", 3)
        return Place(server, int(number), _unpacked(call), _unpacked(event))

    def _tag(self, session: str, text: str) -> bytes:
        digest = hmac.digest(self._secret, f"{session}\0{text}".encode(), hashlib.sha256)
        return base64.b32encode(digest[:10]).lower()

    def _fits(self, session: str, said: str, tag: str) -> bool:
        return len(tag) == _TAG and hmac.compare_digest(tag.encode("latin-1", "replace"), self._tag(session, said))


def _packed(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")


def _unpacked(text: str) -> bytes:
    """Only of what bore our tag."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
