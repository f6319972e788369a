"""One application, two doors: the socket decides the plane, never path or header."""

import httpx
from litestar import get

from triplegate.app.application import Triplegate


async def plane(scope, receive, send):
    """A data plane that says what it was asked for."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"data " + scope["path"].encode()})


@get("/admin/v1/whoami")
async def whoami() -> str:
    return "control"


def client(door):
    return httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://127.0.0.1")


async def test_the_data_door_leads_past_litestar_whatever_the_path():
    app = Triplegate(plane, route_handlers=[whoami])
    async with client(app) as data, client(app.control) as control:
        assert (await data.get("/admin/v1/whoami")).text == "data /admin/v1/whoami"
        assert (await data.get("/a%2Fb//c")).text == "data /a/b//c"
        assert (await control.get("/admin/v1/whoami")).text == "control"
        assert (await control.get("/orders")).status_code == 404


async def test_the_lifespan_is_litestars_at_either_door():
    said = []
    app = Triplegate(plane, on_startup=[lambda: said.append("up")], on_shutdown=[lambda: said.append("down")])
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return events.pop(0)

    async def send(message):
        sent.append(message["type"])

    await app({"type": "lifespan", "asgi": {}, "state": {}, "app": app}, receive, send)
    assert said == ["up", "down"]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
