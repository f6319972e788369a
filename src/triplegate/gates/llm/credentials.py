"""A deployment's own credential: read by reference, read again from time to time, never the client's."""

from collections.abc import Callable

from triplegate.config.documents_llm import AwsAuth, ProviderAuth
from triplegate.core.http import Headers
from triplegate.core.ports import Secrets
from triplegate.wire import aws_sigv4
from triplegate.wire.aws_sigv4 import AwsKey
from triplegate.wire.google_jwt import LASTS, read_account, sign

_AGAIN = 5.0
"""Seconds after which a reference is read again: files are replaced while we run."""
_NEVER = float("inf")
_AHEAD = 300.0
"""Seconds before its end in which a signed token is made anew."""
Signer = Callable[[str, bytes, Headers, bytes], Headers]
"""(method, path and query, header fields, body) → the fields that prove them."""


class Credential:
    """What one reference holds at the moment, as a header field, or as signatures."""

    __slots__ = (
        "_at",
        "_auth",
        "_changed",
        "_lasting",
        "_now",
        "_reference",
        "_secrets",
        "_until",
        "_value",
        "_wall",
        "line",
        "signer",
    )

    def __init__(
        self,
        auth: ProviderAuth | None,
        reference: str | None,
        secrets: Secrets,
        now: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
        wall: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`changed` is told when another value is found; `wall` says the time that signed calls and tokens carry."""
        self._auth, self._reference, self._secrets, self._now = auth, reference, secrets, now
        self._wall = wall
        self._until = _NEVER
        self._value: str | AwsKey | None = None
        self._lasting = all(one is None or one.startswith("env:") for one in (reference, *_beside(auth)))
        self._changed: Callable[[], None] | None = None
        self.line: tuple[bytes, bytes] | None = None
        """The header field; None where there is none to send."""
        self.signer: Signer | None = None
        """Signs each call, where calls are signed."""
        self._at = now()
        self.again()
        self._changed = changed

    @property
    def missing(self) -> str:
        """Why it is not there; empty when it is, or when none is needed."""
        if self._auth is None or self.fresh() is not None or self.signer is not None:
            return ""
        what = "key of a service account" if self._auth.google else "access key" if self._auth.aws else "credential"
        return f"no {what} at {self._reference}" if self._reference else "no key is configured"

    def fresh(self) -> tuple[bytes, bytes] | None:
        """The field, read again if it is some seconds old; an environment never changes."""
        if not self._lasting and self._now() >= self._at + _AGAIN:
            self.again()
        if self._until < _NEVER and self._now() >= self._until:
            self._write()
        return self.line

    def again(self) -> bool:
        """Read it now; whether it is another one than before."""
        if self._auth is None or self._reference is None:
            return False
        self._at = self._now()
        value = self._secrets.read(self._reference)
        found = value if self._auth.aws is None else _access_key(self._auth.aws, value, self._secrets)
        if found == self._value:
            return False
        self._value = found
        self._write()
        if self._changed is not None:
            self._changed()
        return True

    def _write(self) -> None:
        assert self._auth is not None
        if isinstance(self._value, AwsKey):
            self.signer = _signer(self._value, self._auth.aws, self._wall)
            return
        self.signer = None
        if not self._auth.google:
            self.line = _line(self._auth, self._value)
            return
        self.line, self._until = None, _NEVER
        try:
            token = sign(read_account(self._value or ""), int(self._wall()))
        except ValueError:
            return  # `missing` tells; the value itself must not
        self.line, self._until = (b"authorization", b"Bearer " + token.encode()), self._now() + LASTS - _AHEAD


def _line(auth: ProviderAuth, value: str | None) -> tuple[bytes, bytes] | None:
    if not value or not value.isprintable():
        return None  # a field of several lines would be two
    if auth.bearer:
        return b"authorization", b"Bearer " + value.encode()
    assert auth.header is not None
    return auth.header.encode("ascii"), value.encode()


def _beside(auth: ProviderAuth | None) -> tuple[str | None, ...]:
    """References beside the key itself."""
    return (auth.aws.id, auth.aws.token) if auth is not None and auth.aws is not None else ()


def _access_key(auth: AwsAuth, value: str | None, secrets: Secrets) -> AwsKey | None:
    """The key whose secret, or whole, is `value`; None where a part of it is not there."""
    try:
        if auth.id is None:
            return aws_sigv4.read_key(value or "")
        token = secrets.read(auth.token) if auth.token is not None else ""
        if token is None:
            return None  # without its token a key of hours is refused anyway
        return aws_sigv4.checked(AwsKey(secrets.read(auth.id) or "", value or "", token))
    except ValueError:
        return None  # `missing` tells; the value itself must not


def _signer(key: AwsKey, auth: AwsAuth | None, wall: Callable[[], float]) -> Signer:
    assert auth is not None
    region = auth.region

    def signed(method: str, target: bytes, headers: Headers, body: bytes) -> Headers:
        date = aws_sigv4.amz_date(wall())
        return aws_sigv4.sign(key, region, "bedrock", method, target, headers, body, date)

    return signed
