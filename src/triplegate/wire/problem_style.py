"""How an API's owner wants its problems told: a base of their own, further members, templates by media type."""

import html
from collections.abc import Mapping
from string import Formatter

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.problem import BASE, negotiate, problem, render

FIELDS = frozenset({"type", "title", "status", "detail", "code", "request_id"})
"""What a template may name in braces."""

STANDARD = frozenset({"type", "title", "status", "detail", "instance", "errors"})
"""Members that have a meaning of their own (RFC 9457 §3.1)."""

Template = tuple[tuple[str, str], ...]
"""(text, field) in order; the field is empty after the last text."""

_encode = msgspec.json.Encoder().encode


class Style(msgspec.Struct, frozen=True, eq=False):
    """The problems of one API."""

    base: str = BASE
    """Before the name of each problem type; ends with a slash."""
    members: Mapping[str, str] = {}
    """Further members of each document."""
    templates: tuple[tuple[bytes, Template], ...] = ()
    """Media type → template, best first."""


PLAIN = Style()


def template(text: str) -> Template:
    """A template's parts. Raises ValueError when its braces or a name in them are wrong."""
    parts: list[tuple[str, str]] = []
    for literal, field, form, conversion in Formatter().parse(text):
        if field is not None and (field not in FIELDS or form or conversion):
            known = ", ".join(sorted(FIELDS))
            raise ValueError(f"a template knows {known}; '{{{field}}}' is none of them (write {{{{ for a brace)")
        parts.append((literal, field or ""))
    return tuple(parts)


def styled(style: Style, refusal: Refusal, accept: bytes | None, request_id: str) -> tuple[bytes, bytes]:
    """Content type and body of a refusal: by a template of a media type that the client accepts, else as a problem."""
    instance = "urn:request:" + request_id
    if style is PLAIN:
        return render(refusal, accept, instance)
    media = negotiate(accept, tuple(one for one, _ in style.templates))
    for offered, parts in style.templates:
        if offered == media:
            return _with_charset(media), _filled(parts, media, _words(style, refusal, request_id))
    media, content = render(refusal, accept, instance, style.base)
    if not style.members or b"json" not in media:
        return media, content
    return media, _encode({**style.members, **problem(refusal, instance, style.base)})


def _words(style: Style, refusal: Refusal, request_id: str) -> dict[str, str]:
    members = problem(refusal, "", style.base)
    words = {name: str(members.get(name, "")) for name in ("type", "title", "status", "detail")}
    return {**words, "code": refusal.code, "request_id": request_id}


def _filled(parts: Template, media: bytes, words: Mapping[str, str]) -> bytes:
    """Each word escaped as its surroundings need: a refusal's detail may repeat what the client sent."""
    filled = [text + (_escaped(words[field], media) if field else "") for text, field in parts]
    return "".join(filled).encode()


def _escaped(word: str, media: bytes) -> str:
    if b"json" in media:
        return _encode(word).decode()[1:-1]
    if b"html" in media or b"xml" in media:
        return html.escape(word)
    return word


def _with_charset(media: bytes) -> bytes:
    return media + b"; charset=utf-8" if media.startswith(b"text/") else media
