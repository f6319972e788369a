"""Alive, ready, and the numbers: for orchestrators and scrapers."""

from collections.abc import Callable
from typing import Any

import httpx

from triplegate.control.probes import status_app
from triplegate.control.telemetry.prometheus import OPENMETRICS, TEXT
from triplegate.core.exchange import Exchange
from triplegate.core.record import Record


async def test_alive_is_not_ready(stage: Any) -> None:
    async with stage.client() as client:
        assert (await client.get("/readyz")).text == "ready\n"
        stage.view.reasons = ["draining"]
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "draining\n")
        assert (await client.get("/livez")).text == "ok\n"


async def test_a_scrape_counts_up_to_the_last_closed_exchange(
    stage: Any, make_exchange: Callable[..., Exchange], make_record: Callable[..., Record]
) -> None:
    for _ in range(3):
        stage.telemetry.finished(make_exchange(), make_record())
    async with stage.client() as client:
        plain = await client.get("/metrics")
        opened = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert plain.headers["content-type"] == TEXT
    expected = (
        'http_server_request_duration_seconds_count{triplegate_gate="api",http_route="orders",'
        'http_request_method="GET",http_response_status_code="200"} 3'
    )
    assert expected in plain.text.splitlines()
    assert opened.headers["content-type"] == OPENMETRICS
    assert opened.text.endswith("# EOF\n")


async def test_the_status_listener_shows_the_three_to_everybody_and_nothing_else(stage: Any) -> None:
    app = status_app(stage.parts)
    transport = httpx.ASGITransport(app, client=("203.0.113.5", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://prometheus.test:9000") as client:
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        for path in ("/", "/sign-in", "/admin/v1/whoami", "/admin/v1/openapi.json", "/schema", "/assets/app.js"):
            assert (await client.get(path)).status_code == 404
