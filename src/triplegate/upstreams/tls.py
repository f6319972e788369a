"""TLS towards upstreams: one context per configuration, made when a snapshot is compiled, never per connection."""

import hashlib
import ssl
from pathlib import Path

import msgspec

from triplegate.core.ports import Kit


class TlsSettings(msgspec.Struct, frozen=True):
    """How to trust an upstream and how to show who we are."""

    ca: str | None = None
    """PEM file of the only authorities trusted; None: the system's."""
    certificate: str | None = None
    """PEM file of our client certificate (chain included)."""
    key: str | None = None
    """PEM file of its private key; None: in the certificate's file."""
    sni: str | None = None
    """Name to ask for and to verify; None: the URL's host."""


def identity(settings: TlsSettings) -> str:
    """Digest of the settings and of the files they name: another certificate is another identity."""
    digest = hashlib.sha256()
    for path in (settings.ca, settings.certificate, settings.key):
        digest.update(b"\0" if path is None else hashlib.sha256(Path(path).read_bytes()).digest())
    digest.update((settings.sni or "").encode())
    return digest.hexdigest()[:32]


def trust(settings: TlsSettings) -> ssl.SSLContext:
    """Verification on, TLS 1.2 or newer, ALPN http/1.1. Raises OSError or ssl.SSLError when a file is unusable."""
    made = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=settings.ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    if settings.certificate is not None:
        made.load_cert_chain(settings.certificate, settings.key)
    return made


def shared_trust(kit: Kit, settings: TlsSettings) -> ssl.SSLContext:
    """The one context of these settings, kept over reloads for as long as its files have not changed."""
    return kit.state(ssl.SSLContext, identity(settings), lambda: trust(settings))
