"""Calls out off the data path (JWKS, webhooks, guards): one client, the SSRF guard, bounds on size and time."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from triplegate.core.http import Headers
from triplegate.upstreams import failures
from triplegate.upstreams.guard import Destination, inspect, why_not
from triplegate.upstreams.lookups import Lookups
from triplegate.upstreams.tls import TlsSettings, trust

if TYPE_CHECKING:
    import httpx

Resolve = Callable[[str, int], Awaitable[list[str]]]

_LIMIT = 5 * 1024 * 1024
_SECONDS = 10.0
_OWN = frozenset(
    {b"host", b"accept-encoding", b"connection", b"content-length", b"transfer-encoding", b"proxy-authorization"}
)


class HttpxDial:
    """The Dial port: https to global addresses only, unless the operator's settings allow private ones.

    The address that was checked is the address that is dialled; no redirects, no proxies from the environment.
    """

    __slots__ = ("_allow_private", "_busy", "_client", "_ports", "_resolve", "_tls")

    def __init__(
        self,
        *,
        allow_private: bool = False,
        ports: frozenset[int] = frozenset({443}),
        resolver: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        at_once: int = 64,
    ) -> None:
        self._allow_private = allow_private
        self._ports = ports
        self._resolve = _resolving(Lookups()) if resolver is None else resolver
        self._tls = tls
        self._busy = asyncio.Semaphore(at_once)
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, method: str, url: str, headers: Headers, body: bytes = b"") -> tuple[int, Headers, bytes]:
        """Status, headers and body (≤ 5 MiB, ≤ 10 s, no redirects). Raises Refusal upstream_*."""
        try:
            async with asyncio.timeout(_SECONDS), self._busy:
                return await self._fetch(method, url, headers, body)
        except TimeoutError:
            raise failures.timed_out(_label(url), "total") from None

    async def _fetch(self, method: str, url: str, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        import httpx

        try:
            destination = inspect(url, allow_private=self._allow_private, ports=self._ports)
            address = await self._checked_address(destination)
        except (ValueError, OSError) as error:
            raise failures.unreachable(_label(url), error) from error
        host = f"[{address}]" if ":" in address else address
        request = self._opened().build_request(
            method,
            f"{destination.scheme}://{host}:{destination.port}{destination.target}",
            headers=[
                (b"host", destination.authority.encode()),
                (b"accept-encoding", b"identity"),
                *(field for field in headers if field[0].lower() not in _OWN),
            ],
            content=body,
            extensions={"sni_hostname": destination.host},
        )
        try:
            return await self._send(request, _label(url))
        except httpx.ConnectError as error:
            raise failures.unreachable(_label(url), error) from error
        except httpx.TimeoutException as error:
            raise failures.timed_out(_label(url), type(error).__name__) from error
        except httpx.HTTPError as error:
            raise failures.reset(_label(url), repr(error)) from error

    async def _send(self, request: "httpx.Request", label: str) -> tuple[int, Headers, bytes]:
        response = await self._opened().send(request, stream=True, follow_redirects=False)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise failures.malformed(label, "a content coding that was not asked for")
            content = bytearray()
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > _LIMIT:
                    raise failures.malformed(label, f"more than {_LIMIT} bytes")
        finally:
            await response.aclose()
        return response.status_code, [(name.lower(), value) for name, value in response.headers.raw], bytes(content)

    async def _checked_address(self, destination: Destination) -> str:
        """One address, after every one has been found callable: a name with one private address is refused."""
        addresses = await self._resolve(destination.host, destination.port)
        if not addresses:
            raise OSError("no addresses")
        for address in addresses:
            reason = why_not(address)
            if reason == "not an IP address" or (reason is not None and not self._allow_private):
                raise ValueError(f"{destination.host} resolves to {address}: {reason}")
        return addresses[0]

    def _opened(self) -> "httpx.AsyncClient":
        """The client, made at first use; it keeps no connection, since its pool would share them by address alone."""
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                verify=self._tls or trust(TlsSettings()),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                trust_env=False,
                timeout=httpx.Timeout(_SECONDS, connect=3.0),
                limits=httpx.Limits(max_connections=64, max_keepalive_connections=0),
            )
        return self._client

    async def close(self) -> None:
        """Close what is open."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _resolving(lookups: Lookups) -> Resolve:
    async def resolve(host: str, port: int) -> list[str]:
        return list(dict.fromkeys(str(address.sockaddr[0]) for address in await lookups.addresses(host, port)))

    return resolve


def _label(url: str) -> str:
    """What may be logged of a URL: neither path nor query, which may carry secrets."""
    return "/".join(url.split("/", 3)[:3])[:200].rpartition("@")[2]
