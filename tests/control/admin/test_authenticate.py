"""A bearer token or a cookie says who calls; a cookie alone changes nothing."""

from typing import Any

import pytest

from triplegate.control.admin.authenticate import COOKIE, SECURE_COOKIE, cookie_name


async def signed_in(stage: Any, *roles: str) -> tuple[str, str, str]:
    _, record = await stage.parts.tokens.issue(roles or ("owner",))
    cookie = stage.parts.sign_ins.open(record.token_id)
    sign_in = stage.parts.sign_ins.find(cookie)
    return cookie, sign_in.csrf, record.token_id


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", "Basic dXNlcjpwYXNz", "bearer  ", "Bearer tg_admin_x_y"]
)
async def test_a_bad_authorization_is_not_made_good_by_a_cookie(stage: Any, authorization: str) -> None:
    cookie, _, _ = await signed_in(stage)
    async with stage.client(cookie=f"{COOKIE}={cookie}") as client:
        assert (await client.get("/admin/v1/whoami")).status_code == 200
        answer = await client.get("/admin/v1/whoami", headers={"authorization": authorization})
    assert answer.status_code == 401


async def test_a_cookie_reads_and_changes_only_with_its_csrf_value(stage: Any) -> None:
    cookie, csrf, _ = await signed_in(stage)
    body = {"org": "acme", "team": "web", "consumer": "ci"}
    async with stage.client(cookie=f"{COOKIE}={cookie}") as client:
        assert (await client.get("/admin/v1/keys")).status_code == 200
        assert (await client.post("/admin/v1/keys", json=body)).status_code == 403
        assert (await client.post("/admin/v1/keys", json=body, headers={"x-csrf-token": "guess"})).status_code == 403
        assert (await client.post("/admin/v1/keys", json=body, headers={"x-csrf-token": csrf})).status_code == 201


async def test_revoking_the_token_ends_the_sign_in_at_once(stage: Any) -> None:
    cookie, _, token_id = await signed_in(stage)
    async with stage.client(cookie=f"{COOKIE}={cookie}") as client:
        assert (await client.get("/admin/v1/whoami")).status_code == 200
        await stage.store.tokens.revoke(token_id, stage.clock.wall())
        assert (await client.get("/admin/v1/whoami")).status_code == 401


async def test_calls_a_page_makes_by_itself_do_not_keep_it_signed_in(stage: Any) -> None:
    cookie, _, _ = await signed_in(stage)
    async with stage.client(cookie=f"{COOKIE}={cookie}") as client:
        for _ in range(4):
            stage.clock.advance(600)
            last = await client.get("/admin/v1/whoami", headers={"x-background": "1"})
    assert last.status_code == 401


async def test_a_bootstrap_token_opens_nothing_by_itself(stage: Any, tmp_path: Any) -> None:
    path = tmp_path / "bootstrap-token"
    await stage.parts.tokens.offer_bootstrap(path)
    async with stage.client(path.read_text().strip()) as client:
        assert (await client.get("/admin/v1/whoami")).status_code == 401


def test_over_tls_the_cookie_is_bound_to_host_and_tls() -> None:
    assert cookie_name("https") == SECURE_COOKIE
    assert SECURE_COOKIE.startswith("__Host-")
    assert cookie_name("http") == COOKIE
