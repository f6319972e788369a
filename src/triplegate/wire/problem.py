"""Problem details (RFC 9457): how the api gate tells of a refusal, and the registry of problem types."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from triplegate.core.errors import CODES, Refusal

BASE = "https://triplegate.dev/problems/"
_DRAFT = "https://iana.org/assignments/http-problem-types#"

TYPES: Mapping[str, str] = MappingProxyType(
    {code: code.replace("_", "-") for code in CODES}
    | {
        # draft-ietf-httpapi-ratelimit-headers-11 §8 registers these
        "quota_exceeded": _DRAFT + "quota-exceeded",
        "concurrency_exceeded": _DRAFT + "quota-exceeded",
        "overloaded": _DRAFT + "temporary-reduced-capacity",
    }
)
"""Problem type by refusal code; a relative one stands below the base."""

PROBLEM = b"application/problem+json"
JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"

_encode = msgspec.json.Encoder().encode


def type_uri(code: str, base: str = BASE) -> str:
    """The `type` of a refusal's problem; `base` ends with a slash."""
    name = TYPES[code]
    return name if ":" in name else base + name


def problem(refusal: Refusal, instance: str = "", base: str = BASE) -> dict[str, object]:
    """The members of a refusal's problem document; `instance` is the request's own id or URI.

    What the refusal says (`payload`) can add members, never replace the standard ones.
    """
    row = refusal.rendering
    members: dict[str, object] = {"type": type_uri(refusal.code, base), "title": row.title, "status": row.status}
    if refusal.detail:
        members["detail"] = refusal.detail
    if instance:
        members["instance"] = instance
    if refusal.errors:
        members["errors"] = [{"pointer": fault.pointer, "detail": fault.message} for fault in refusal.errors]
    for name, value in refusal.payload.items():
        members.setdefault(name, value)
    return members


def render(refusal: Refusal, accept: bytes | None = None, instance: str = "", base: str = BASE) -> tuple[bytes, bytes]:
    """Content type and body of a refusal, in the form the client accepts (problem+json unless it says otherwise)."""
    media = negotiate(accept)
    if media is TEXT:
        row = refusal.rendering
        return TEXT, f"{row.status} {row.title}\n{refusal.detail}\n".encode()
    return media, _encode(problem(refusal, instance, base))


def negotiate(accept: bytes | None, own: tuple[bytes, ...] = ()) -> bytes:
    """What our client likes best of `own`, PROBLEM, JSON, TEXT; the first of them when it accepts none."""
    first = own[0] if own else PROBLEM
    if not accept or accept == b"*/*":
        return first
    best, chosen = 0.0, first
    ranges = _ranges(accept)
    offers = _OFFERS if not own else (*((media, _named(media)) for media in own), *_OFFERS)
    for media, names in offers:
        quality = next((ranges[name] for name in names if name in ranges), 0.0)
        if quality > best:
            best, chosen = quality, media
    return chosen


def _named(media: bytes) -> tuple[bytes, ...]:
    return media, media.partition(b"/")[0] + b"/*", b"*/*"


_OFFERS = (
    (PROBLEM, (b"application/problem+json", b"application/*", b"*/*")),
    (JSON, (b"application/json", b"application/*", b"*/*")),
    (TEXT, (b"text/plain", b"text/*", b"*/*")),
)


def _ranges(accept: bytes) -> dict[bytes, float]:
    """Media ranges with their qualities (RFC 9110 §12.5.1); a malformed quality counts as 1."""
    ranges: dict[bytes, float] = {}
    for element in accept.split(b",")[:32]:
        name, *parameters = element.split(b";")
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.strip().partition(b"=")
            if key.lower() == b"q":
                quality = _quality(value)
        ranges[name.strip().lower()] = quality
    return ranges


def _quality(value: bytes) -> float:
    try:
        quality = float(value)
    except ValueError:
        return 1.0
    return min(1.0, max(0.0, quality)) if quality == quality else 1.0  # noqa: PLR0124 - NaN is unlike itself
