"""The first owner comes in by the bootstrap file, everybody else by a token; guessing is slow."""

import time
from typing import Any


async def test_the_bootstrap_token_becomes_an_owner_once_and_its_file_goes(stage: Any) -> None:
    path = stage.parts.bootstrap
    await stage.parts.tokens.offer_bootstrap(path)
    boot = path.read_text().strip()
    async with stage.client() as client:
        answer = await client.post("/admin/v1/bootstrap", json={"token": boot, "name": "me"})
        assert answer.status_code == 201
        assert answer.json()["roles"] == ["owner"]
        assert not path.exists()
        assert (await client.post("/admin/v1/bootstrap", json={"token": boot})).status_code == 401
    async with stage.client(answer.json()["token"]) as client:
        told = (await client.get("/admin/v1/whoami")).json()
        assert (told["name"], told["roles"], told["org"]) == ("me", ["owner"], "")


async def test_an_ordinary_token_is_no_bootstrap_token(stage: Any) -> None:
    viewer = await stage.token("viewer")
    async with stage.client() as client:
        assert (await client.post("/admin/v1/bootstrap", json={"token": viewer})).status_code == 401


async def test_every_reason_to_refuse_looks_the_same(stage: Any) -> None:
    good = await stage.token()
    async with stage.client() as client:
        answers = [
            await client.post("/admin/v1/bootstrap", json={"token": token})
            for token in ("", "nonsense", good[:-1] + "0", "tg_admin_0123456789_" + "x" * 49)
        ]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {answer.status_code for answer in answers} == {401}


async def test_ten_thousand_guesses_are_evaluated_fifty_times_at_most(stage: Any) -> None:
    evaluated = 0
    begun = time.monotonic()
    async with stage.client(address="203.0.113.5") as client:
        for number in range(300):  # the hour of 10⁴ attempts is in test_throttle.py; this is the wiring
            answer = await client.post("/admin/v1/bootstrap", json={"token": f"guess-{number}"})
            evaluated += answer.status_code == 401
            assert answer.status_code in (401, 429)
        assert int(answer.headers["retry-after"]) >= 1
    assert evaluated == 5
    assert time.monotonic() - begun < 30
    async with stage.client(address="198.51.100.7") as other:
        assert (await other.post("/admin/v1/bootstrap", json={"token": "x"})).status_code == 401


async def test_whoami_names_org_and_team(stage: Any) -> None:
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        told = (await client.get("/admin/v1/whoami")).json()
    assert (told["roles"], told["org"], told["team"]) == (["viewer"], "acme", "web")
