"""Certificates of an authority of the tests' own, for servers and for clients."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder, self.name = folder, _named(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = self._builder(self.name, self.key, 1).add_extension(x509.BasicConstraints(True, None), True)
        self.certificate = builder.add_extension(usage, True).sign(self.key, hashes.SHA256())
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: Any, days: int) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=2))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        )

    def sign(self, label: str, *names: str, days: int = 1) -> "Pair":
        """A certificate for `names` (DNS, addresses, URIs), written as `label`.pem and `label`.key."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_named(label), key, days)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        return Pair(self.folder / label, builder.sign(self.key, hashes.SHA256()), key)

    def client(self, pair: "Pair | None" = None, *alpn: str) -> ssl.SSLContext:
        """A client's context that trusts this authority and shows `pair`."""
        context = ssl.create_default_context(cafile=str(self.path))
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context


class Pair:
    """A certificate and its key, in files."""

    def __init__(self, place: Path, certificate: x509.Certificate, key: Any) -> None:
        self.certificate, self.key = place.with_suffix(".pem"), place.with_suffix(".key")
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        self.serial = certificate.serial_number
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    return x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
