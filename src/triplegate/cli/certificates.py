"""Certificates that settings, documents and secrets name: absent, unreadable, not those of their keys, or expired."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from triplegate.edge.front_certificates import Certificates, TlsTerms

if TYPE_CHECKING:
    from triplegate.config.documents import Documents
    from triplegate.config.documents_base import Tls
    from triplegate.config.kubernetes.conditions import Outcome
    from triplegate.config.settings import Settings

_PEM = "-----BEGIN"


def unfit(settings: "Settings", documents: "Documents", manifests: "Outcome", now: float) -> list[str]:
    """What cannot be used at Unix time `now`, in a line each."""
    base = Path(settings.directory)
    found = [f"listener '{name}': {text}" for name, text in _of_listeners(settings, base, now)]
    for name, pairs in manifests.certificates.items():
        for chain, _ in pairs:
            text = _ended(chain.encode("ascii"), now)
            found += [f"listener '{name}': a certificate of a Secret {text}"] if text else []
    for kind in ("services", "providers", "servers"):
        for name, document in getattr(documents, kind).items():
            told = [] if document.tls is None else _of_upstream(document.tls, base, now)
            found += [f"{documents.origin(kind, name)} {kind.removesuffix('s')} '{name}': {text}" for text in told]
    return found


def _of_listeners(settings: "Settings", base: Path, now: float) -> Iterator[tuple[str, str]]:
    listeners = settings.listeners
    for name, one in {"data": listeners.data, **listeners.named}.items():
        if one.tls is not None:
            pairs = [(pair.certificate, pair.key) for pair in one.tls.certificates]
            yield from ((name, text) for text in _of_pairs(pairs, one.tls.client_ca, base, now))
    tls = listeners.grpc.tls
    if tls is not None:
        yield from (("grpc", text) for text in _of_pairs([(tls.certificate, tls.key)], tls.client_ca, base, now))


def _of_pairs(pairs: list[tuple[str, str]], authorities: str | None, base: Path, now: float) -> Iterator[str]:
    for certificate, key in pairs:
        yield from _of_pair(base / certificate, base / key.removeprefix("file:"), now)
    if authorities is not None:
        yield from _of_authorities(base / authorities, now)


def _of_upstream(tls: "Tls", base: Path, now: float) -> Iterator[str]:
    """A key that is not there is told with the other missing secrets."""
    if tls.ca is not None and tls.ca.startswith(_PEM):
        text = _ended(tls.ca.encode("ascii", "replace"), now)
        yield from [f"what its ca says {text}"] if text else ()
    elif tls.ca is not None:
        yield from _of_authorities(base / tls.ca, now)
    if tls.certificate is not None and tls.key is not None:
        key = base / tls.key.removeprefix("file:")
        if key.exists():
            yield from _of_pair(base / tls.certificate, key, now)


def _of_pair(certificate: Path, key: Path, now: float) -> Iterator[str]:
    try:
        shown = Certificates(TlsTerms(((str(certificate), str(key)),))).shown
    except OSError as error:
        yield f"{error.filename or certificate}: {error.strerror or error}"
    else:
        if shown.expires <= now:
            yield f"{certificate} has expired"


def _of_authorities(path: Path, now: float) -> Iterator[str]:
    try:
        text = _ended(path.read_bytes(), now)
    except OSError as error:
        yield f"{path}: {error.strerror or error}"
    else:
        if text:
            yield f"{path} {text}"


def _ended(pem: bytes, now: float) -> str:
    """What is wrong with certificates as such; empty when one of them is good."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return "holds no certificates"
    return "" if any(one.not_valid_after_utc.timestamp() > now for one in found) else "has expired"
