"""Small types of configuration: pauses, sizes, dollars, names and secret references, each with its JSON Schema."""

import re
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from triplegate.core.duration import seconds

_SIZES = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1000, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB|kB|MB|GB)?")
_REFERENCE = re.compile(r"(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*|store:[A-Za-z0-9][A-Za-z0-9._/-]*)")


class Worded:
    """Text of a pattern, with the sentence an operator reads when it does not fit."""

    __slots__ = ("longest", "lower", "pattern", "sentence")

    def __init__(self, pattern: str, sentence: str, *, longest: int = 1024, lower: bool = False) -> None:
        self.pattern, self.sentence, self.longest, self.lower = re.compile(pattern), sentence, longest, lower

    def check(self, value: str) -> str:
        """The value, lower-cased where letters do not matter. Raises ValueError with the sentence."""
        value = value.lower() if self.lower else value
        if len(value) > self.longest:
            raise ValueError(f"must be at most {self.longest} characters")
        if not self.pattern.fullmatch(value):
            raise ValueError(f"must be {self.sentence}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        shown = handler(schema)
        shown.update(maxLength=self.longest)
        if not self.lower:
            shown.update(pattern=f"^(?:{self.pattern.pattern})$")
        return shown


Pause = Annotated[
    float, BeforeValidator(seconds, json_schema_input_type=str | float), Field(ge=0, examples=["0s", "1s"])
]
"""A length of time that may be 0; seconds as float."""


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

DollarsOfCall = Annotated[
    Decimal,
    BeforeValidator(_dollars),
    Field(ge=0, le=10_000, allow_inf_nan=False),
    AfterValidator(_one_form),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 10_000}),
]
"""What a call, or one of what it counts, costs in US dollars: no call is charged more than 10,000."""


SecretRef = Annotated[
    str,
    # the value may be the secret itself: the sentence never repeats it
    Worded(_REFERENCE.pattern, "a reference (env:NAME, file:/path or store:name), never the secret itself"),
]
"""Where a secret is to be found: env:NAME, file:/path (relative: to the configuration) or store:name."""


def is_reference(value: str) -> bool:
    """Whether `value` refers to a secret instead of being one."""
    return bool(_REFERENCE.fullmatch(value))


def _address(value: str) -> str:
    if len(value) > 2048:
        raise ValueError("an address is at most 2048 characters")
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
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": "^https?://", "format": "uri"})
]
"""http(s)://host[:port][/path], without user, query or fragment."""

Endpoint = Annotated[str, AfterValidator(_origin), WithJsonSchema({"type": "string", "pattern": "^https?://[^/]+/?$"})]
"""http(s)://host[:port]."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"

Name = Annotated[str, Worded(_NAME, "letters, digits, dot, dash and underscore", longest=64)]
"""Letters, digits, dot, dash, underscore; at most 64."""

ModelName = Annotated[str, Worded(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", "letters, digits and . _ : / @ -", longest=128)]
"""What clients put into `model`: like a name, with / : @ too; at most 128."""

_MODEL = "[A-Za-z0-9._:/@-]"

ModelKey = Annotated[
    str,
    Worded(
        rf"[A-Za-z0-9]{_MODEL}*(?:\*{_MODEL}*)?|\*{_MODEL}*",
        "letters, digits and . _ : / @ - and at most one star",
        longest=128,
    ),
]
"""A model's name, or a pattern of names with one star."""

ModelRef = Annotated[str, Worded(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", "the name of a model", longest=128)]
"""Name of a model of the llm gate."""

ServiceRef = Annotated[str, Worded(_NAME, "the name of a service", longest=64)]
"""Name of a service."""

Alias = Annotated[
    str,
    Worded(r"[A-Za-z0-9](?:_?[A-Za-z0-9-])*", "letters, digits, dashes and single underscores", longest=32),
]
"""Prefix of a server's tools; no double underscore, which separates prefix and tool."""

TeamRef = Annotated[str, Worded(rf"{_NAME}(?:/{_NAME})?", "a team's name, or org/team", longest=129)]
"""A team: org/team, or its name alone where only one org has a team of that name."""

Scope = Annotated[str, Worded(r"[\x21\x23-\x5b\x5d-\x7e]+", "one word (RFC 6749 §3.3)")]
"""A scope of a token or a key: one word."""

HeaderName = Annotated[
    str,
    Worded(r"[a-z0-9!#$%&'*+.^`|~-]+", "a header name (RFC 9110 §5.1) without underscore", longest=128, lower=True),
]
"""A field name (RFC 9110 §5.1) without underscore; kept in lower case."""

HeaderValue = Annotated[str, Worded(r"[\x20-\x7e\x80-\xff\t]*", "one line of visible characters", longest=8192)]
"""A field value on one line."""
