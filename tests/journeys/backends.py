"""Small services of threads and sockets, to be several of, to be killed and started again at the same port."""

import contextlib
import socket
import ssl
import threading
import time
from typing import Self


class Backend:
    """Answers every request with its name; may be slow, may fail, may die and come back."""

    def __init__(self, name: str, port: int = 0):
        self.name, self.port = name, port
        self.status, self.delay = 200, 0.0
        self.calls = self.checks = 0
        self.heads: list[bytes] = []
        self._socket: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()
        return self

    def kill(self) -> None:
        """No more, at once: every connection is cut."""
        listening, self._socket = self._socket, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def wrapped(self, client: socket.socket) -> socket.socket:
        """What is spoken on the connection."""
        return client

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        try:
            with self.wrapped(client) as wire:
                received = b""
                while True:
                    while b"\r\n\r\n" not in received:
                        piece = wire.recv(65536)
                        if not piece:
                            return
                        received += piece
                    head, _, received = received.partition(b"\r\n\r\n")
                    self._answer(wire, head)
        except OSError:
            return
        finally:
            with self._lock:
                self._open.discard(client)

    def _answer(self, wire: socket.socket, head: bytes) -> None:
        check = b" /healthz" in head.split(b"\r\n", 1)[0]
        with self._lock:
            self.calls += not check
            self.checks += check
            self.heads = [*self.heads[-20:], head]
        if self.delay and not check:
            time.sleep(self.delay)
        body = self.name.encode()
        wire.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (self.status, len(body), body))


class SecureBackend(Backend):
    """The same over TLS; it asks for a client certificate and remembers whose it was shown."""

    def __init__(self, name: str, certificate: str, client_ca: str):
        super().__init__(name)
        self.peers: list[str] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.load_verify_locations(client_ca)
        self._context.verify_mode = ssl.CERT_REQUIRED

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def wrapped(self, client: socket.socket) -> socket.socket:
        wire = self._context.wrap_socket(client, server_side=True)
        subject = dict(pair for (pair,) in wire.getpeercert()["subject"])
        self.peers.append(subject["commonName"])
        return wire


@contextlib.contextmanager
def backends(names: str):
    """One for each letter."""
    made = {name: Backend(name).start() for name in names}
    try:
        yield made
    finally:
        for one in made.values():
            one.kill()
