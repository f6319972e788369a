"""The control plane as a whole: what every answer carries, and what its own document says."""

import json
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.exceptions import ImproperlyConfiguredException

from triplegate.control.plane import BASE, CSP, ControlPlane

ROOT = Path(__file__).resolve().parents[2]


async def test_every_answer_carries_the_security_headers(stage: Any) -> None:
    async with stage.client() as client:
        for path in ("/sign-in", "/admin/v1/whoami", "/nowhere", "/livez", "/assets/app.js"):
            answer = await client.get(path)
            assert answer.headers["content-security-policy"] == CSP
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert ("no-store" in answer.headers.get("cache-control", "")) != path.startswith("/assets/")
    assert "unsafe" not in CSP


async def test_the_document_names_every_path_and_needs_a_token(stage: Any) -> None:
    async with stage.client() as client:
        assert (await client.get("/admin/v1/openapi.json")).status_code == 401
    async with stage.client(await stage.token("viewer")) as client:
        answer = await client.get("/admin/v1/openapi.json")
    document = json.loads(answer.content)
    assert document["openapi"].startswith("3.1")
    assert {"/admin/v1/keys", "/admin/v1/usage", "/admin/v1/tail", "/admin/v1/config/validate"} <= set(
        document["paths"]
    )
    assert [path for path in document["paths"] if not path.startswith("/admin/v1/")] == []
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_a_route_that_declares_nothing_refuses_to_start(stage: Any) -> None:
    @get("/naked")
    async def naked() -> str:
        return "nothing on"

    with pytest.raises(ImproperlyConfiguredException, match="does not declare"):
        Litestar([naked], plugins=[ControlPlane(stage.parts)])


def test_an_unknown_role_refuses_to_start(stage: Any) -> None:
    @get("/odd", role=frozenset({"superuser"}), tenant="own")
    async def odd() -> str:
        return "odd"

    with pytest.raises(ImproperlyConfiguredException, match="does not declare"):
        Litestar([odd], plugins=[ControlPlane(stage.parts)])


async def test_a_large_body_is_refused_unread(stage: Any) -> None:
    async with stage.client(await stage.token()) as client:
        answer = await client.post("/admin/v1/keys", content=b"{" + b" " * 70_000 + b"}")
    assert answer.status_code == 413, answer.text


def test_the_page_of_the_admin_api_names_every_path(stage: Any) -> None:
    text = (ROOT / "docs" / "admin.md").read_text()
    paths = {route.path.removeprefix(BASE) for route in stage.app.routes if route.path.startswith(f"{BASE}/")}
    missing = {path for path in paths if path.split("{")[0].rstrip("/").removesuffix("/openapi.json") not in text}
    assert not missing
