"""Forms as a tool's argument says them: urlencoded, or in parts with files that are told as base64 (RFC 7578)."""

import binascii
import re
import secrets
from collections.abc import Iterator
from typing import Any

import msgspec

from triplegate.wire.openapi_bodies import Body, Field
from triplegate.wire.openapi_styles import bad_argument, escaped_plus, pairs, text_of

_PLAIN = Field()
_OCTETS = "application/octet-stream"
_DATA = re.compile(r"data:([a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+)((?:;[^;,]{0,100}){0,4});base64,", re.IGNORECASE)
_ENDINGS = {
    "application/json": ".json",
    "application/jsonl": ".jsonl",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/webm": ".webm",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/webp": ".webp",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "video/mp4": ".mp4",
}
"""How a file's name ends, for those who look at that."""


def read_file(value: Any, key: str, largest: int) -> tuple[str, bytes]:
    """The type that a `data:` URL says (else none), and the bytes. Raises Refusal."""
    if not isinstance(value, str):
        raise bad_argument(key, "is no text in base64")
    said = _DATA.match(value)
    start = 0 if said is None else said.end()
    if (len(value) - start) * 3 // 4 > largest + 3:
        raise too_large(key, largest)
    try:
        content = binascii.a2b_base64(value[start:].encode("ascii"), strict_mode=True)
    except ValueError as error:  # a letter beyond ASCII is one, too
        raise bad_argument(key, "is no base64") from error
    return "" if said is None else said[1].lower(), content


def too_large(key: str, largest: int) -> Exception:
    """What is said of more than may be sent."""
    return bad_argument(key, f"is more than {largest} bytes, which is as much as may be sent")


def urlencoded(body: Body, members: dict[str, Any]) -> bytes:
    """A form of names and values. Raises Refusal."""
    written = [f"{name}={value}" for name, value in _all_pairs(body, members)]
    return "&".join(written).encode("ascii")


def _all_pairs(body: Body, members: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in members.items():
        field = body.fields.get(name, _PLAIN)
        if value is None:
            continue
        if field.style is not None:
            yield from pairs(field.style, name, name, value, escaped_plus)
            continue
        json = field.media.endswith("json")
        for one in value if isinstance(value, list) and not json else [value]:
            text = msgspec.json.encode(one).decode() if json else text_of(one)
            yield escaped_plus(name), escaped_plus(text)


def multipart(body: Body, members: dict[str, Any], largest: int) -> tuple[str, bytes]:
    """Its type with the boundary, which nobody can foresee, and the form. Raises Refusal."""
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    size = 0
    for name, value in members.items():
        field = body.fields.get(name, _PLAIN)
        for each in _parts(name, field, value, largest):
            parts.append(b"--%b\r\nContent-Disposition: form-data; %b" % (boundary.encode(), each))
            size += len(parts[-1])
            if size > largest:
                raise too_large(body.key, largest)
    parts.append(b"--%b--\r\n" % boundary.encode())
    return f"{body.media}; boundary={boundary}", b"".join(parts)


def _parts(name: str, field: Field, value: Any, largest: int) -> Iterator[bytes]:
    """What stands behind `form-data; ` of each part."""
    if value is None:
        return
    many = isinstance(value, list) and (field.file or not field.media.endswith("json"))
    for number, one in enumerate(value if many else [value], 1):
        if field.file:
            kind, content = read_file(one, name, largest)
            kind = kind or field.media or _OCTETS
            file = f"{name}{f'-{number}' if many else ''}{_ENDINGS.get(kind, '')}"
            said = f'name="{_quoted(name)}"; filename="{_quoted(file)}"'
        else:
            kind, content = _written(field, one)
            said = f'name="{_quoted(name)}"'
        told = f"\r\nContent-Type: {kind}" if kind else ""
        yield b"%b\r\n\r\n%b\r\n" % (f"{said}{told}".encode(), content)


def _written(field: Field, value: Any) -> tuple[str, bytes]:
    if field.media.endswith("json") or isinstance(value, list | dict):
        return field.media or "application/json", msgspec.json.encode(value)
    return field.media, text_of(value).encode()


def _quoted(name: str) -> str:
    """A name that ends where its quotes do."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
