"""TLS of the gRPC listener: the certificate is read anew when its files have changed, at the next connection."""

import ssl
import sys
from pathlib import Path
from typing import Any


def server_credentials(grpc: Any, certificate: Path | None, key: Path | None, client_ca: Path | None = None) -> Any:
    """Server credentials; with `client_ca` each client must show a certificate. Raises OSError for unusable files."""
    assert certificate is not None
    assert key is not None
    files = Files(grpc, certificate, key, client_ca)
    return grpc.dynamic_ssl_server_credentials(files.read(), files.fresh, client_ca is not None)


class Files:
    """Certificate, key and authorities on disk."""

    def __init__(self, grpc: Any, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._grpc, self._certificate, self._key, self._client_ca = grpc, certificate, key, client_ca
        self._seen = self._stamps()

    def _stamps(self) -> list[int]:
        files = (self._certificate, self._key, self._client_ca)
        return [one.stat().st_mtime_ns for one in files if one is not None]

    def read(self) -> Any:
        """A certificate configuration, checked: gRPC itself would only fail every handshake. Raises OSError."""
        checked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        checked.load_cert_chain(self._certificate, self._key)
        roots = None
        if self._client_ca is not None:
            checked.load_verify_locations(self._client_ca)
            roots = self._client_ca.read_bytes()
        pair = (self._key.read_bytes(), self._certificate.read_bytes())
        return self._grpc.ssl_server_certificate_configuration([pair], roots)

    def fresh(self) -> Any:
        """What gRPC asks for before each handshake: None while nothing has changed, or what is there is unusable."""
        try:
            stamps = self._stamps()
            if stamps == self._seen:
                return None
            made = self.read()
        except OSError as error:
            print(f"the certificate of the gRPC listener stays: {error}", file=sys.stderr, flush=True)
            return None
        self._seen = stamps
        return made
