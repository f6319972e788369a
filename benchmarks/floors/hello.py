"""The server alone: granian and an ASGI function that answers the 1 KB document itself."""

from typing import Any

from benchmarks.floors.serve import App, serve
from benchmarks.works import REST

HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(REST)).encode())]
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}
BODY = {"type": "http.response.body", "body": REST, "more_body": False}


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer everything alike."""
    await send(START)
    await send(BODY)


def make(arguments: list[str]) -> App:
    """The application."""
    return hello


if __name__ == "__main__":
    serve(make)
