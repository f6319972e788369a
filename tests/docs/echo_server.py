"""What granian hands to an application, told back as JSON: `python -m tests.docs.echo_server PORT`."""

import json
from typing import Any

from benchmarks.floors.serve import App, serve


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Path, Host, body, and whether the body came to its end."""
    body, message = b"", {"type": "http.request", "more_body": True}
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    seen = {
        "path": scope["raw_path"].decode(),
        "fields": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "body": body.decode(),
        "complete": message["type"] == "http.request",
    }
    content = json.dumps(seen).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content, "more_body": False})


def make(arguments: list[str]) -> App:
    """The application."""
    return echo


if __name__ == "__main__":
    serve(make)
