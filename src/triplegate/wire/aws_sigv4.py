"""Signatures of Amazon's requests, version 4: proof of a secret key over method, path, headers and body."""

import hashlib
import hmac
from functools import lru_cache
from time import gmtime, strftime
from urllib.parse import quote

import msgspec

from triplegate.core.http import Headers

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED = frozenset(
    {
        b"accept-encoding",
        b"expect",
        b"traceparent",
        b"transfer-encoding",
        b"user-agent",
        b"x-amzn-trace-id",
        b"x-request-id",
    }
)
"""Fields that others may change on the way."""


class AwsKey(msgspec.Struct, frozen=True, gc=False):
    """An access key; the token belongs to keys that live for hours only."""

    id: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return f"AwsKey({self.id!r})"


class _Exported(msgspec.Struct, gc=False):
    id: str = msgspec.field(name="AccessKeyId")
    secret: str = msgspec.field(name="SecretAccessKey")
    token: str | None = msgspec.field(default=None, name="SessionToken")


_decode = msgspec.json.Decoder(_Exported).decode


def read_key(text: str) -> AwsKey:
    """An access key as Amazon's tools export it. Raises ValueError when it is none; the message never quotes it."""
    try:
        said = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValueError("it is not the JSON of an access key") from None
    return checked(AwsKey(said.id, said.secret, said.token or ""))


def checked(key: AwsKey) -> AwsKey:
    """The key itself. Raises ValueError when its id or its token would be no part of a header field."""
    if not key.id or not key.secret or not (key.id + key.token).isascii() or not (key.id + key.token).isprintable():
        raise ValueError("it is no access key")
    return key


def amz_date(seconds: float) -> str:
    """Unix time as `x-amz-date` writes it."""
    return strftime("%Y%m%dT%H%M%SZ", gmtime(seconds))


def sign(
    key: AwsKey, region: str, service: str, method: str, target: bytes, headers: Headers, body: bytes, date: str
) -> Headers:
    """The fields to be sent besides `headers`: the date, the session token, and the signature over all of them.

    `target` is the path as it is sent, with its query; `headers` have small names and hold `host`; `date` as `amz_date`
    writes it.
    """
    added: Headers = [(b"x-amz-date", date.encode("ascii"))]
    if key.token:
        added.append((b"x-amz-security-token", key.token.encode()))
    fields = _fields([*headers, *added])
    names = ";".join(fields)
    path, _, query = target.decode("ascii").partition("?")
    canonical = "\n".join(
        (
            method,
            quote(path or "/", safe="/-_.~"),  # what is encoded already is encoded once more, except for S3
            _query(query),
            *(f"{name}:{value}" for name, value in fields.items()),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((_ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = _hmac(_day_key(key.secret, date[:8], region, service), text).hex()
    line = f"{_ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*added, (b"authorization", line.encode())]


def _fields(headers: Headers) -> dict[str, str]:
    """By name, in its order; several of one name are joined, and runs of blanks are one."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if name not in _UNSIGNED:
            found.setdefault(name.decode("ascii"), []).append(" ".join(value.decode("latin-1").split()))
    return {name: ",".join(found[name]) for name in sorted(found)}


def _query(query: str) -> str:
    """The arguments as they are written, in their order, each with its `=`."""
    pairs = [argument.partition("=")[::2] for argument in query.split("&") if argument]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


@lru_cache(64)
def _day_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
