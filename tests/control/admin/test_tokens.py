"""Admin tokens and the first one: kept as digests, proved in one way, spent once."""

import stat
from pathlib import Path
from typing import Any

import pytest

from triplegate.control.admin.tokens import BOOTSTRAP_SECONDS, Tokens, caller_of
from triplegate.core.identity import new_key


async def test_a_token_proves_itself_and_only_its_digest_is_kept(stage: Any) -> None:
    token, record = await stage.parts.tokens.issue({"viewer"}, org="acme", team="web", name="grafana")
    assert token.startswith("tg_admin_")
    assert await stage.parts.tokens.prove(token) == record
    assert token not in repr(await stage.store.tokens.list())
    caller = caller_of(record)
    assert (caller.roles, caller.org, caller.team, caller.name) == (frozenset({"viewer"}), "acme", "web", "grafana")


async def test_wrong_unknown_revoked_and_expired_tokens_prove_nothing(stage: Any) -> None:
    tokens: Tokens = stage.parts.tokens
    good, record = await tokens.issue({"owner"}, expires=stage.clock.wall() + 10)
    other, _ = new_key("admin")
    for wrong in ("", "x", good[:-1], good[:20] + other[20:], other, good + "a", "tg_admin_ä"):
        assert await tokens.prove(wrong) is None
    stage.clock.advance(10)
    assert await tokens.prove(good) is None
    assert await tokens.living(record.token_id) is None
    third, record = await tokens.issue({"owner"})
    await stage.store.tokens.revoke(record.token_id, stage.clock.wall())
    assert await tokens.prove(third) is None


async def test_another_pepper_knows_nobody(stage: Any) -> None:
    token, _ = await stage.parts.tokens.issue({"owner"})
    assert await Tokens(stage.store.tokens, b"q" * 32, stage.clock).prove(token) is None


@pytest.mark.parametrize("roles", [(), ("superuser",), ("owner", "root")])
async def test_unknown_roles_are_not_issued(stage: Any, roles: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="roles are some of"):
        await stage.parts.tokens.issue(roles)


async def test_bootstrap_is_written_privately_and_good_for_one_owner(stage: Any, tmp_path: Path) -> None:
    tokens, path = stage.parts.tokens, tmp_path / "bootstrap-token"
    assert await tokens.offer_bootstrap(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    proved = await tokens.prove(path.read_text().strip())
    assert proved is not None
    assert proved.once
    issued = await tokens.redeem(proved)
    assert issued is not None
    assert issued[1].roles == frozenset({"owner"})
    assert await tokens.redeem(proved) is None  # twice: no
    assert await tokens.prove(path.read_text().strip()) is None
    assert not await tokens.offer_bootstrap(path)  # there is an owner now
    assert not path.exists()


async def test_bootstrap_is_over_after_fifteen_minutes_and_differs_each_time(stage: Any, tmp_path: Path) -> None:
    tokens, path = stage.parts.tokens, tmp_path / "bootstrap-token"
    await tokens.offer_bootstrap(path)
    first = path.read_text().strip()
    stage.clock.advance(BOOTSTRAP_SECONDS)
    assert await tokens.prove(first) is None
    await tokens.offer_bootstrap(path)
    assert path.read_text().strip() != first
    assert await tokens.prove(path.read_text().strip()) is not None


async def test_an_ordinary_token_cannot_be_redeemed(stage: Any) -> None:
    _, record = await stage.parts.tokens.issue({"viewer"})
    assert await stage.parts.tokens.redeem(record) is None


async def test_a_links_text_stands_for_its_token_once(stage: Any) -> None:
    tokens: Tokens = stage.parts.tokens
    _, record = await tokens.issue({"viewer"}, org="acme")
    text = tokens.offer_link(record.token_id)
    assert len(text) >= 43
    assert text not in repr(vars(tokens))
    assert await tokens.prove(text) is None
    assert await tokens.follow_link(text[:-1]) is None
    assert await tokens.follow_link(text) == record
    assert await tokens.follow_link(text) is None


async def test_links_are_bounded_and_the_oldest_give_way(stage: Any) -> None:
    tokens: Tokens = stage.parts.tokens
    _, record = await tokens.issue({"viewer"})
    first, *others = [tokens.offer_link(record.token_id) for _ in range(11)]
    assert await tokens.follow_link(first) is None
    assert [await tokens.follow_link(text) for text in others] == [record] * 10
