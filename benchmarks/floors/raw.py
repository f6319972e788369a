"""The floor of any proxy of ours: granian and our own HTTP/1.1 client, without guard, routes, policies or records."""

from typing import Any

from benchmarks.floors.serve import App, serve
from triplegate.core.http import BytesBody
from triplegate.core.policy import Dispatch
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor

DROPPED = frozenset(
    {b"connection", b"content-length", b"expect", b"host", b"keep-alive", b"te", b"trailer", b"transfer-encoding"}
)
HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"trailer"})
EMPTY = BytesBody()
DISPATCH = Dispatch(retries=0)


async def _read(receive: Any) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    pieces = [body]
    while message.get("more_body"):
        message = await receive()
        pieces.append(message.get("body", b""))
    return b"".join(pieces)


def make(arguments: list[str]) -> App:
    """The application; argument: host:port of the upstream."""
    authority = arguments[0].encode()
    pool = Pool(parse(f"http://{arguments[0]}")[0], TaskSupervisor())

    async def proxy(scope: dict[str, Any], receive: Any, send: Any) -> None:
        method = scope["method"]
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        headers = [field for field in scope["headers"] if field[0] not in DROPPED]
        headers.append((b"host", authority))
        body = EMPTY if method in {"GET", "HEAD"} else BytesBody(await _read(receive))
        reply = await pool.send(method, target, headers, body, DISPATCH, deadline=None)
        frames = reply.frames
        try:
            kept = [field for field in reply.headers if field[0] not in HOP]
            await send({"type": "http.response.start", "status": reply.status, "headers": kept})
            async for frame in frames:
                last = frames.done
                await send({"type": "http.response.body", "body": frame, "more_body": not last})
                if last:
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            frames.close()

    return proxy


if __name__ == "__main__":
    serve(make)
