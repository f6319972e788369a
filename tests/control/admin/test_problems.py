"""Errors are problem documents that tell enough and not too much."""

import logging
from pathlib import Path
from typing import Any

import pytest

from triplegate.core.errors import Fault, Refusal


async def test_unknown_fields_are_422_with_a_pointer_and_without_the_value(stage: Any) -> None:
    async with stage.client(await stage.token()) as client:
        answer = await client.post(
            "/admin/v1/keys", json={"org": "acme", "team": "web", "consumer": "ci", "admin": "canary-value"}
        )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422
    assert [fault["pointer"] for fault in problem["errors"]] == ["/admin"]
    assert "canary-value" not in answer.text


async def test_a_body_that_is_not_json_is_400(stage: Any) -> None:
    async with stage.client(await stage.token()) as client:
        answer = await client.post("/admin/v1/keys", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_404_405_and_401_are_problems_too(stage: Any) -> None:
    async with stage.client(await stage.token()) as client:
        for method, path, status in (("GET", "/admin/v1/nothing", 404), ("PUT", "/admin/v1/keys", 405)):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
            assert answer.json()["status"] == status
    async with stage.client() as client:
        answer = await client.get("/admin/v1/keys", headers={"accept": "text/html"})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_refusal_of_the_house_keeps_its_code_and_faults(stage: Any) -> None:
    async def validate(_: Any) -> None:
        raise Refusal("overloaded", "Too much.", reason="inner reason", errors=(Fault("/a", "b"),))

    stage.view.validate = validate
    async with stage.client(await stage.token()) as client:
        answer = await client.post("/admin/v1/config/validate", json={"documents": {"a.yaml": ""}})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (503, "https://triplegate.dev/problems/overloaded")
    assert problem["errors"] == [{"pointer": "/a", "detail": "b"}]
    assert "inner reason" not in answer.text


async def test_a_bug_shows_in_the_log_and_not_to_the_client(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    def running() -> None:
        raise RuntimeError("password=hunter2")

    stage.view.running = running
    async with stage.client(await stage.token()) as client:
        with caplog.at_level(logging.ERROR):
            answer = await client.get("/admin/v1/config")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "hunter2" in caplog.text


async def test_a_browser_that_is_not_signed_in_is_shown_the_way(stage: Any) -> None:
    async with stage.client() as client:
        answer = await client.get("/", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_a_store_that_is_away_is_503_with_the_remedy_and_known_tokens_stay_good(
    stage: Any, tmp_path: Path
) -> None:
    async with stage.client(await stage.token()) as client:
        assert (await client.get("/admin/v1/config")).status_code == 200
        await stage.store.close()
        for file in tmp_path.glob("triplegate.db*"):
            file.write_bytes(b"no database any more" * 100)
        answer = await client.get("/admin/v1/usage")
        assert answer.status_code == 503
        assert "SQLite" in answer.json()["detail"]
        assert "triplegate.db" not in answer.text  # the remedy, not the place
        assert (await client.get("/admin/v1/config")).status_code == 200
        page = await client.get("/")
        assert page.status_code == 200
        assert "The ledger cannot be asked now" in page.text
    async with stage.client("tg_admin_unknown") as client:
        assert (await client.get("/admin/v1/config")).status_code == 401
