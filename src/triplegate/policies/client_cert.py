"""Know callers by the certificates that their connections showed."""

import base64
import hashlib
from collections.abc import Awaitable
from typing import Annotated, ClassVar, Literal

import msgspec
from pydantic import Field, model_validator

from triplegate.config.types import Name, TeamRef, Worded
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.identity import Directory
from triplegate.core.outgoing import Edit
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit

_KEPT = 4_096  # certificates read; the oldest goes first

_Listed = Annotated[tuple[str, ...], Field(max_length=1_000)]
Fingerprint = Annotated[
    str, Worded(r"[0-9a-f]{2}(?::?[0-9a-f]{2}){31}", "a SHA-256 in hexadecimal", longest=95, lower=True)
]


class Certificate(msgspec.Struct, frozen=True):
    """What a certificate says, read once."""

    uris: tuple[str, ...]
    names: tuple[str, ...]
    issuer: str
    fingerprint: str
    begins: float
    ends: float
    field: bytes
    """Itself as `Client-Cert` (RFC 9440 §2.2)."""

    @property
    def subject(self) -> str:
        """What a consumer is called when nothing else was written."""
        return next(iter((*self.uris, *self.names)), self.fingerprint)


class Known(msgspec.Struct):
    """Certificates read: DER → what they say."""

    read: dict[bytes, Certificate] = {}


class ClientCert(Policy):
    """Let pass who has one of the listed certificates (all that the listener accepted when none is listed).

    With `team` the caller is that team's; without it, who calls is left to other identity policies.
    """

    use: Literal["client_cert"] = "client_cert"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.IDENTIFY
    security: ClassVar = True
    required: bool = True
    """Refuse calls without a fitting certificate; else they are left to the route's other identity policies."""
    uris: _Listed = ()
    """URIs in the certificate (SPIFFE ids); `*` at the end stands for any rest."""
    names: _Listed = ()
    """DNS names in the certificate."""
    fingerprints: Annotated[tuple[Fingerprint, ...], Field(max_length=1_000)] = ()
    """SHA-256 of the certificate, in hexadecimal."""
    issuers: _Listed = ()
    """Issuers (RFC 4514: CN=Partners CA,O=Example), one of which it must have besides."""
    team: TeamRef | None = None
    """Team that the caller belongs to."""
    consumer: Name | None = None
    """Consumer that the caller is; else the certificate's first URI, name or fingerprint."""
    forward: bool = False
    """Show the certificate to the service in `Client-Cert` (RFC 9440)."""

    @model_validator(mode="after")
    def _whose(self) -> "ClientCert":
        if self.consumer is not None and self.team is None:
            raise ValueError("client_cert: a consumer is somebody of a team: write team too")
        return self

    def fits(self, certificate: Certificate) -> bool:
        """Whether it is one of those listed."""
        if self.issuers and certificate.issuer not in self.issuers:
            return False
        if not (self.uris or self.names or self.fingerprints):
            return True
        if certificate.fingerprint in {one.replace(":", "") for one in self.fingerprints}:
            return True
        if any(name in self.names for name in certificate.names):
            return True
        return any(_fits(uri, wanted) for uri in certificate.uris for wanted in self.uris)

    def build(self, kit: Kit) -> Step:
        """The step that knows the caller."""
        known = kit.state(Known, "client_cert", Known).read
        wall, label = kit.clock.wall, self.label
        fitting: dict[bytes, bool] = {}

        def step(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
            der = exchange.inbound.peer.certificate
            if der is None:
                if self.required:
                    raise Refusal("unauthenticated", "A client certificate is needed.", policy=label)
                return proceed(exchange)
            certificate = known.get(der) or _read(der, known)
            fits = fitting.get(der)
            if fits is None:
                if len(fitting) >= _KEPT:
                    fitting.clear()
                fits = fitting[der] = self.fits(certificate)
            if fits and certificate.begins <= wall() < certificate.ends:
                self._accept(exchange, certificate, kit.directory)
            elif self.required:
                reason = "not valid now" if fits else "not listed"
                raise _refused(f"{certificate.subject}: {reason}", label)
            return proceed(exchange)

        return step

    def _accept(self, exchange: Exchange, certificate: Certificate, directory: Directory) -> None:
        if self.team is not None and exchange.principal is None:
            team = directory.teams.get(self.team)
            if team is None:
                raise _refused(f"team '{self.team}' is not configured", self.label)
            exchange.principal = directory.principal(team, self.consumer or certificate.subject, "certificate")
        if self.forward:
            exchange.shape().edits.append(Edit("set", b"client-cert", certificate.field))


def _refused(reason: str, label: str) -> Refusal:
    return Refusal("forbidden", "This certificate may not call here.", reason=reason, policy=label)


def _fits(uri: str, wanted: str) -> bool:
    return uri.startswith(wanted[:-1]) if wanted.endswith("*") else uri == wanted


def _read(der: bytes, known: dict[bytes, Certificate]) -> Certificate:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        names = None
    found = Certificate(
        tuple(names.get_values_for_type(x509.UniformResourceIdentifier)) if names else (),
        tuple(name.lower() for name in names.get_values_for_type(x509.DNSName)) if names else (),
        certificate.issuer.rfc4514_string(),
        hashlib.sha256(der).hexdigest(),
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
        b":" + base64.b64encode(der) + b":",
    )
    if len(known) >= _KEPT:
        del known[next(iter(known))]
    known[der] = found
    return found
