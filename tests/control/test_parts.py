"""The parts share one clock, one pepper and one store of tokens."""

from typing import Any


async def test_a_token_issued_by_the_parts_opens_the_application(stage: Any) -> None:
    token, _ = await stage.parts.tokens.issue({"viewer"})
    async with stage.client(token) as client:
        assert (await client.get("/admin/v1/whoami")).status_code == 200


def test_sign_ins_and_throttle_follow_the_same_clock(stage: Any) -> None:
    cookie = stage.parts.sign_ins.open("t")
    for _ in range(5):
        stage.parts.throttle.charge("a")
    assert stage.parts.throttle.charge("a") > 0
    stage.clock.advance(1_800)
    assert stage.parts.throttle.charge("a") == 0
    assert stage.parts.sign_ins.find(cookie) is None
