"""The certificates of a TLS listener: chosen by the name asked for, read anew when their files change (F-13)."""

import datetime as dt
import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

ClientAuth = Literal["none", "optional", "required"]
_MEMORY = "/dev/shm"  # noqa: S108 - never on a disk, where there is such a place; the file is ours alone (0600)
_AUTH = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_MINIMUM = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
Stamp = tuple[tuple[int, int, int] | None, ...]


class TlsTerms(msgspec.Struct, frozen=True):
    """What a listener wants of TLS; paths are absolute."""

    pairs: tuple[tuple[str, str], ...]
    """PEM files of certificate chain and key; the first is for whoever asks for no name that we have."""
    client_auth: ClientAuth = "none"
    client_ca: str | None = None
    minimum: Literal["1.2", "1.3"] = "1.2"
    http2: bool = True

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that is read."""
        named = [path for pair in self.pairs for path in pair]
        return (*named, self.client_ca) if self.client_ca else tuple(named)


class Asking(ssl.SSLObject):
    """A connection's TLS, with the name that the client asked for."""

    asked: str | None = None


class Shown(msgspec.Struct, frozen=True, eq=False):
    """All certificates as they are in force together."""

    default: ssl.SSLContext
    exact: dict[str, ssl.SSLContext]
    wild: dict[str, ssl.SSLContext]
    """Suffix with its dot → what is shown for one label before it."""
    expires: float = float("inf")
    """Unix time at which the first of them ends."""

    def choose(self, name: str) -> ssl.SSLContext:
        """What is shown to who asks for `name` (lower-case)."""
        return self.find(name) or self.default

    def find(self, name: str) -> ssl.SSLContext | None:
        """The certificate that is for `name`; None when there is none."""
        found = self.exact.get(name)
        if found is None and self.wild:
            found = self.wild.get(name[max(0, name.find(".")) :])
        return found

    def wrap(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> Asking:
        """A new connection's TLS."""
        wrapped = self.default.wrap_bio(incoming, outgoing, server_side=True)
        assert isinstance(wrapped, Asking)
        return wrapped


class Certificates:
    """What new handshakes get; a bad pair is refused and the one before it stays."""

    def __init__(self, terms: TlsTerms) -> None:
        """Raises OSError, naming the file, when any of them cannot be used."""
        self._terms = terms
        self._more: tuple[tuple[str, str], ...] = ()
        self._stamp = _stamp(terms.files)
        self.shown = _load(terms)
        self.failure = ""
        """Why files that changed are not in force; empty when they are."""

    def refresh(self) -> bool:
        """Read changed files; whether anything new is in force. Blocks: for a thread."""
        stamp = _stamp(self._terms.files)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        return self._renew(self._more)

    def more(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Show these, too (PEM of chain and key): those that are not in files; whether that is new. Blocks."""
        return tuple(pairs) != self._more and self._renew(tuple(pairs))

    def _renew(self, more: tuple[tuple[str, str], ...]) -> bool:
        try:
            self.shown, self._more = _load(self._terms, more), more
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            self.failure = f"{place}{error.strerror or error}; the certificates before it are shown"
            return False
        self.failure = ""
        return True

    def trouble(self, now: float) -> str:
        """What an operator should know at Unix time `now`; nearly always nothing."""
        if self.failure:
            return self.failure
        return "a certificate has expired" if self.shown.expires <= now else ""


def _stamp(files: Sequence[str]) -> Stamp:
    found: list[tuple[int, int, int] | None] = []
    for path in files:
        try:
            facts = os.stat(path)  # noqa: PTH116 - through links, as the file is opened
        except OSError:
            found.append(None)
        else:
            found.append((facts.st_ino, facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def _load(terms: TlsTerms, more: Sequence[tuple[str, str]] = ()) -> Shown:
    made = [(_trust(terms, pair), *_said(pair[0])) for pair in terms.pairs]
    for chain, key in more:
        with _held(chain) as certificate, _held(key) as private:
            made.append((_trust(terms, (certificate, private)), *_said(certificate)))
    exact: dict[str, ssl.SSLContext] = {}
    wild: dict[str, ssl.SSLContext] = {}
    for context, names, _ in made:
        for name in names:
            if name.startswith("*."):
                wild.setdefault(name[1:], context)
            else:
                exact.setdefault(name, context)
    default = made[0][0]
    shown = Shown(default, exact, wild, min(expires for _, _, expires in made))
    default.sni_callback = _choosing(shown)
    return shown


@contextmanager
def _held(text: str) -> Iterator[str]:
    """A path that leads to `text` for as long as it is needed: ssl reads keys from files only."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=_MEMORY if os.path.isdir(_MEMORY) else None) as file:  # noqa: PTH112 - a constant
        file.write(text)
        file.flush()
        yield file.name


def _choosing(shown: Shown):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as ssl wants it
    def choose(tls: Asking, name: str | None, context: ssl.SSLContext) -> None:
        if name is not None:
            tls.asked = name.lower()
            found = shown.choose(tls.asked)
            if found is not context:
                tls.context = found

    return choose


def _trust(terms: TlsTerms, pair: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = Asking
    context.minimum_version = _MINIMUM[terms.minimum]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 1
    context.set_alpn_protocols(["h2", "http/1.1"] if terms.http2 else ["http/1.1"])
    try:
        context.load_cert_chain(*pair, password="")  # an encrypted key must fail, not ask at a terminal
    except ssl.SSLError as error:
        raise OSError(error.errno, f"is no certificate with its key ({error.reason or error})", pair[0]) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror, _missing(pair)) from None
    if terms.client_ca is not None:
        try:
            context.load_verify_locations(terms.client_ca)
        except ssl.SSLError as error:
            raise OSError(error.errno, "holds no certificates", terms.client_ca) from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, terms.client_ca) from None
    context.verify_mode = _AUTH[terms.client_auth]
    return context


def _missing(pair: tuple[str, str]) -> str:
    return next((path for path in pair if not os.access(path, os.R_OK)), pair[0])


def _said(path: str) -> tuple[list[str], float]:
    """The DNS names in a certificate, and when it ends (Unix time)."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
        expires = certificate.not_valid_after_utc.astimezone(dt.UTC).timestamp()
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [name.lower() for name in names.get_values_for_type(x509.DNSName)], expires
    except x509.ExtensionNotFound:
        return [], expires
    except ValueError as error:
        raise OSError(0, f"cannot be read: {error}", path) from None
