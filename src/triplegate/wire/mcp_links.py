"""Links that servers want users to follow: only to web pages, whatever they are wrapped in."""

import re

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import read_members

_ASKING = re.compile(
    rb'"resultType"[ \t\r\n]*(?::[ \t\r\n]*)?(?:"input_required"|[ \t\r\n]{32})|"elicitations"'
    rb"|(?<!\\)(?:\\\\)*\\u00(?:4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])"
)
"""As a member of JSON, never within a string; or a letter in an escape, which only who hides it writes."""
OVERLAP = 128
"""Bytes in which any of them shows: text in pieces is searched with so many of those before."""
_WEB = ("http://", "https://")
_INPUT = "input_required"


class _Linked(msgspec.Struct):
    url: str = ""


class _Request(msgspec.Struct):
    params: _Linked = msgspec.field(default_factory=_Linked)


class _Asked(msgspec.Struct):
    inputRequests: dict[str, _Request] | None = None  # noqa: N815 - as on the wire


class _Elicitations(msgspec.Struct):
    elicitations: list[_Linked] = []


class _Error(msgspec.Struct):
    data: _Elicitations = msgspec.field(default_factory=_Elicitations)


_linked = msgspec.json.Decoder(_Linked).decode
_asked = msgspec.json.Decoder(_Asked).decode
_error = msgspec.json.Decoder(_Error).decode
_text = msgspec.json.Decoder(str).decode
_STRANGE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def params_fit(params: bytes) -> bool:
    """Whether a question's raw params link to nothing but a web page; what cannot be read does not fit."""
    try:
        return not params or _fits(_linked(params))
    except _STRANGE:
        return False


def result_fits(result: bytes) -> bool:
    """The same of all questions in a raw `input_required`; other results always fit."""
    if not asks_input(result):
        return True
    try:
        asked = _asked(result).inputRequests or {}
    except _STRANGE:
        return False
    return all(_fits(request.params) for request in asked.values())


def error_fits(error: bytes) -> bool:
    """The same of the links in a raw error that asks the client to open some (2025-11-25)."""
    if b"elicitations" not in error and b"\\u" not in error:
        return True
    try:
        return all(_fits(link) for link in _error(error).data.elicitations)
    except _STRANGE:
        return False


def may_link(text: bytes) -> bool:
    """Whether raw JSON, or a piece of it, may ask a user to follow a link; False: it cannot. Nothing is read."""
    return _ASKING.search(text) is not None


def asks_input(result: bytes) -> bool:
    """Whether a raw result of 2026-07-28 is none yet, but asks for input."""
    if b"input_required" not in result and b"\\u" not in result:
        return False
    try:
        return _text(read_members(result).get("resultType", b'""')) == _INPUT
    except (*_STRANGE, Refusal):
        return False


def _fits(link: _Linked) -> bool:
    return not link.url or link.url.lower().startswith(_WEB)
