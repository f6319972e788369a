"""Small types of configuration: durations, sizes, dollars, names and secret references, each with its JSON Schema."""

import re
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"\d+(?:\.\d+)?(?:ms|s|m|h|d)"
_DURATION = re.compile(rf"(?:{_PART})+")
_LONGEST = 366 * 86400.0
_SIZES = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1000, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB|kB|MB|GB)?")
_REFERENCE = re.compile(r"(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*|store:[A-Za-z0-9][A-Za-z0-9._/-]*)")


def seconds(count: float) -> float:
    """`count` seconds, for defaults that read like the YAML."""
    return float(count)


def minutes(count: float) -> float:
    """`count` minutes in seconds."""
    return count * 60.0


def hours(count: float) -> float:
    """`count` hours in seconds."""
    return count * 3600.0


def parse_duration(text: str) -> float:
    """Seconds of '100ms', '5s', '1m', '1h30m', '7d'. Raises ValueError for anything else or more than 366 days."""
    if not _DURATION.fullmatch(text):
        raise ValueError("a duration is a number with a unit: 100ms, 5s, 1m, 1h, 7d")
    total = sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text))
    if total > _LONGEST:
        raise ValueError("a duration is at most 366 days")
    return round(total, 6)


def _duration(value: Any) -> float:
    if isinstance(value, str):
        return parse_duration(value.strip())
    if isinstance(value, float):  # already seconds: a default, or a document built in Python
        return value
    raise ValueError("a duration needs its unit: 5s, 100ms, 1m")


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("a duration must be longer than 0")
    return value


_DURATION_SCHEMA = {"type": "string", "pattern": rf"^({_PART})+$", "examples": ["100ms", "5s", "1m", "1h"]}

Pause = Annotated[float, BeforeValidator(_duration), WithJsonSchema(_DURATION_SCHEMA)]
"""A length of time that may be 0; seconds as float."""

Duration = Annotated[float, BeforeValidator(_duration), AfterValidator(_positive), WithJsonSchema(_DURATION_SCHEMA)]
"""A length of time, longer than 0; seconds as float."""


def _size(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a size is a number of bytes or has a unit: 64KiB, 10MiB")
    return int(match[1]) * _SIZES[match[2] or ""]


Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\d+\s*(B|KiB|MiB|GiB|kB|MB|GB)?$"},
            ]
        }
    ),
]
"""A number of bytes: 65536, 64KiB, 10MiB."""


def _dollars(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a price is a number of US dollars")  # noqa: TRY004 - pydantic wants ValueError
    return Decimal(repr(value)) if isinstance(value, float) else value


def _one_form(value: Decimal) -> Decimal:
    return Decimal(format(value.normalize(), "f"))  # 2.50 and 2.5 are the same price, and the same configuration


Dollars = Annotated[
    Decimal,
    BeforeValidator(_dollars),
    Field(ge=0, le=1_000_000, allow_inf_nan=False),
    AfterValidator(_one_form),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1_000_000}),
]
"""An amount in US dollars, exact."""


def _reference(value: str) -> str:
    if not _REFERENCE.fullmatch(value):
        # the value may be the secret itself: it is never repeated
        raise ValueError("a secret is never written here: refer to it by env:NAME, file:/path or store:name")
    return value


SecretRef = Annotated[
    str,
    AfterValidator(_reference),
    WithJsonSchema({"type": "string", "pattern": "^(env|file|store):", "examples": ["env:OPENAI_API_KEY"]}),
]
"""Where a secret is to be found: env:NAME, file:/path (relative: to the configuration) or store:name."""


def is_reference(value: str) -> bool:
    """Whether `value` refers to a secret instead of being one."""
    return bool(_REFERENCE.fullmatch(value))


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https:// and has a host")
    if "@" in parts.netloc:
        raise ValueError("an address carries no user or password: use auth or key with env:NAME")
    if parts.query or parts.fragment or "?" in value or "#" in value or port == 0 or re.search(r"[\s\x00-\x1f]", value):
        raise ValueError("an address has no query, fragment or spaces, and no port 0")
    return value.rstrip("/")


def _origin(value: str) -> str:
    value = _address(value)
    if urlsplit(value).path:
        raise ValueError("an endpoint is scheme, host and port only: http://127.0.0.1:9001")
    return value


Address = Annotated[
    str,
    StringConstraints(max_length=2048),
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "pattern": "^https?://", "format": "uri"}),
]
"""http(s)://host[:port][/path], without user, query or fragment."""

Endpoint = Annotated[
    str,
    StringConstraints(max_length=2048),
    AfterValidator(_origin),
    WithJsonSchema({"type": "string", "pattern": "^https?://[^/]+/?$"}),
]
"""http(s)://host[:port]."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Letters, digits, dot, dash, underscore; at most 64."""

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]
"""What clients put into `model`: like a name, with / : @ too; at most 128."""

Alias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:_?[A-Za-z0-9-])*$", max_length=32)]
"""Prefix of a server's tools; no double underscore, which separates prefix and tool."""

TeamRef = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$")]
"""A team: its name, or org/team where two orgs have teams of that name."""

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^`|~-]{1,128}$", to_lower=True)]
"""A field name (RFC 9110 §5.1) without underscore; kept in lower case."""

HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\x80-\xff\t]*$", max_length=8192)]
"""A field value on one line."""
