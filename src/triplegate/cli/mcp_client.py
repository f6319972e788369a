"""A small MCP client for commands: one endpoint, whichever era it speaks, one question at a time."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, Self

import msgspec

from triplegate import __version__
from triplegate.cli.failures import Failed
from triplegate.wire.mcp_era import LEGACY, MODERN
from triplegate.wire.mcp_headers import CAPABILITIES_KEY, CLIENT_KEY, NAMED_BY, VERSION_KEY, encode_value
from triplegate.wire.sse import SseReader

if TYPE_CHECKING:
    import httpx

_US = {"name": "triplegate", "version": __version__}
_MODERN_ERRORS = (-32020, -32021, -32022)
_WAIT = 60.0


class RpcFailed(Failed):
    """An error that the endpoint answered with."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")


class McpClient:
    """Ask with `begin` first, `close` at the end. Raises Failed with a sentence."""

    def __init__(self, url: str, key: str | None, *, transport: "httpx.BaseTransport | None" = None) -> None:
        import httpx

        self.url = url
        self.era = "modern"
        self.version = MODERN
        self.told: dict[str, Any] = {}
        """What it said of itself: the result of server/discover or initialize."""
        self._session: str | None = None
        self._id = 0
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(headers=headers, timeout=_WAIT, trust_env=False, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Find out which era it speaks, and open a session where that is needed."""
        try:
            self.told = self.ask("server/discover")
        except RpcFailed as failed:
            if failed.code in _MODERN_ERRORS:
                raise
        except _NoAnswer as strange:
            if strange.status not in (400, 404, 405, 406):
                raise
        else:
            return
        self.era, self.version = "legacy", LEGACY[0]
        self.told = self.ask("initialize", {"protocolVersion": LEGACY[0], "capabilities": {}, "clientInfo": _US})
        self.version = str(self.told.get("protocolVersion"))
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, {})

    def close(self) -> None:
        """Give the session back."""
        import httpx

        if self._session is not None:
            with suppress(httpx.HTTPError):  # then it ends by itself
                self._http.delete(self.url, headers=self._headers("", {}))
        self._http.close()

    def list(self, method: str, member: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor: dict[str, Any] = {}
        while True:
            page = self.ask(method, cursor)
            yield from page.get(member, ())
            following = page.get("nextCursor")
            if not following or following == cursor.get("cursor"):
                return
            cursor = {"cursor": following}

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The result. Raises RpcFailed for an error, Failed for anything else."""
        self._id += 1
        asked = dict(params or {})
        if self.era == "modern":
            asked["_meta"] = {VERSION_KEY: MODERN, CAPABILITIES_KEY: {}, CLIENT_KEY: _US}
        answer = self._post({"jsonrpc": "2.0", "id": self._id, "method": method, "params": asked}, asked)
        if answer is None:
            raise Failed(f"{self.url} gave no answer to {method}")
        if "error" in answer:
            raise RpcFailed(answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _post(self, message: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any] | None:
        """The response to a message, or None."""
        import httpx

        try:
            with self._stream(message, params) as reply:
                self._session = reply.headers.get("mcp-session-id", self._session)
                for text in _messages(reply):
                    found = _response(text, message.get("id"))
                    if found is not None:
                        return found
                if "id" in message:
                    raise _NoAnswer(self.url, reply.status_code)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Failed(f"{self.url} does not answer: {error}") from None
        return None

    def _stream(
        self, message: Mapping[str, Any], params: Mapping[str, Any]
    ) -> "AbstractContextManager[httpx.Response]":
        headers = self._headers(str(message["method"]), params)
        return self._http.stream("POST", self.url, content=msgspec.json.encode(message), headers=headers)

    def _headers(self, method: str, params: Mapping[str, Any]) -> dict[str, str]:
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        if method != "initialize":
            headers["mcp-protocol-version"] = self.version
        if self.era == "modern":
            headers["mcp-method"] = method
            if method in NAMED_BY:
                headers["mcp-name"] = encode_value(str(params[NAMED_BY[method]]))
        elif self._session is not None:
            headers["mcp-session-id"] = self._session
        return headers


class _NoAnswer(Failed):
    def __init__(self, url: str, status: int) -> None:
        more = " (TRIPLEGATE_KEY must hold a key of it)" if status == 401 else ""
        super().__init__(f"{status}: what answers at {url} is no MCP endpoint{more}")
        self.status = status


def _messages(reply: "httpx.Response") -> Iterator[bytes]:
    """The texts of a reply: its body, or the events of its stream as they come."""
    if not reply.headers.get("content-type", "").startswith("text/event-stream"):
        yield reply.read()
        return
    reader = SseReader()
    for chunk in reply.iter_bytes():
        for event in reader.feed(chunk):
            yield event.data


def _response(text: bytes, identity: object) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not isinstance(found, dict) or found.get("id") not in (identity, None):
        return None
    if isinstance(found.get("result"), dict) or isinstance(found.get("error"), dict):
        return found
    return None
