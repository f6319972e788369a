"""TLS towards upstreams: a context per configuration, never per connection; files that change are taken as they do."""

import hashlib
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit

PEM = "-----BEGIN"
"""How certificates begin that stand in a document themselves."""
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_KINDS = {"dns": "DNS", "uri": "URI", "ip": "IP Address", "email": "email"}


class TlsSettings(msgspec.Struct, frozen=True):
    """How to trust an upstream and how to show who we are."""

    ca: str | None = None
    """PEM file of the only authorities trusted, or their PEM itself; None: the system's."""
    certificate: str | None = None
    """PEM file of our client certificate (chain included)."""
    key: str | None = None
    """PEM file of its private key; None: in the certificate's file."""
    sni: str | None = None
    """Name to ask for and to verify; None: the URL's host."""
    san: tuple[str, ...] = ()
    """Names of which the certificate must bear one, instead of the host: `dns:…`, `uri:…`, `ip:…`, `email:…`."""
    minimum: str = "1.2"
    """Oldest version spoken."""

    @property
    def files(self) -> tuple[str, ...]:
        """What it reads."""
        authorities = None if self.held else self.ca
        return tuple(path for path in (authorities, self.certificate, self.key) if path is not None)

    @property
    def held(self) -> bool:
        """Whether the authorities stand here and in no file."""
        return self.ca is not None and self.ca.startswith(PEM)

    @property
    def label(self) -> str:
        """Equal for equal settings, whatever their files hold: what pools are kept apart by (RS-13)."""
        return hashlib.sha256(repr(msgspec.structs.astuple(self)).encode()).hexdigest()[:32]


def identity(settings: TlsSettings) -> str:
    """Digest of the settings and of the files they name: another certificate is another identity."""
    digest = hashlib.sha256(settings.label.encode())
    for path in settings.files:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:32]


def trust(settings: TlsSettings) -> ssl.SSLContext:
    """Verification on, TLS 1.2 or newer, ALPN http/1.1. Raises OSError or ssl.SSLError when a file is unusable."""
    made = verifying(settings)
    made.minimum_version = _VERSIONS[settings.minimum]
    made.check_hostname = not settings.san  # the names are compared by `bears_one_of` instead
    made.set_alpn_protocols(["http/1.1"])
    if settings.certificate is not None:
        made.load_cert_chain(settings.certificate, settings.key)
    return made


def verifying(settings: TlsSettings) -> ssl.SSLContext:
    """A client's context that trusts the authorities. Raises OSError or ssl.SSLError."""
    if settings.held:
        return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=settings.ca)
    return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=settings.ca)


class Trust:
    """The context in force for some settings; kept over reloads. Bad files leave the last good ones in force (F-13)."""

    __slots__ = ("_identity", "_seen", "context", "settings", "trouble")

    def __init__(self, settings: TlsSettings) -> None:
        self.settings = settings
        self.context: ssl.SSLContext | None = None
        self.trouble = ""
        """Why the files as they are cannot be used; empty when they can."""
        self._seen: tuple[object, ...] | None = None
        self._identity = ""
        self.look()

    def look(self) -> None:
        """Take the files as they are now, if they have changed and can be used; reads files."""
        settings = self.settings
        try:
            seen = tuple(_stamp(path) for path in settings.files)
            if seen == self._seen:
                return
            fresh = identity(settings)
            if fresh != self._identity:
                self.context, self._identity = trust(settings), fresh
        except (OSError, ValueError) as error:
            self._seen = None  # looked at again until it is good
            self.trouble = str(error)
        else:
            self._seen, self.trouble = seen, ""

    def usable(self) -> ssl.SSLContext:
        """What connections are made with. Raises Refusal no_backend when no files were ever good."""
        if self.context is None:
            raise Refusal("no_backend", "The upstream's TLS settings cannot be used.", reason=self.trouble)
        return self.context


def _stamp(path: str) -> tuple[int, int, int]:
    found = Path(path).stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def shared_trust(kit: Kit, settings: TlsSettings) -> Trust:
    """The one of these settings, with its files as they are now."""
    found = kit.state(Trust, settings.label, lambda: Trust(settings))
    found.look()
    return found


def bears_one_of(certificate: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Whether a verified certificate has one of the wanted names among its subject alternative names."""
    borne = certificate.get("subjectAltName", ())
    return any(_bears(borne, *name.split(":", 1)) for name in names)


def _bears(borne: tuple[tuple[str, str], ...], kind: str, name: str) -> bool:
    return any(its_kind == _KINDS[kind] and _equal(kind, its_name, name) for its_kind, its_name in borne)


def _equal(kind: str, borne: str, name: str) -> bool:
    if kind == "ip":
        try:
            return ipaddress.ip_address(borne) == ipaddress.ip_address(name)
        except ValueError:
            return False
    if kind != "dns":
        return borne == name
    borne, name = borne.lower().rstrip("."), name.lower().rstrip(".")
    return borne == name or (borne.startswith("*.") and borne[2:] == name.partition(".")[2])
