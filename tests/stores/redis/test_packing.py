"""Claims become keys in one slot; limits are written once and forgotten within a bound."""

import pytest

from triplegate.core.admission import Claim, Limit
from triplegate.core.errors import Refusal
from triplegate.stores.redis.packing import _MOST_LIMITS, Packer, standings_of

LIMIT = Limit("calls", "rate", "requests", 10, 60.0, 5)


def test_all_keys_of_a_request_share_one_hash_tag() -> None:
    packer = Packer("tg")
    keys, arguments = packer.claims((Claim("a", LIMIT), Claim("b", LIMIT, -3, "observe")))
    assert keys == ["{tg}:a:r:a", "{tg}:a:r:b"]
    assert arguments == [b"r", 1, 10, 60_000_000, 5, 1, b"r", 0, 10, 60_000_000, 5, 0]


def test_a_limit_that_changes_its_family_starts_a_bucket_of_its_own() -> None:
    packer = Packer("tg")
    place = Limit("calls", "concurrent", "requests", 10, 0.0)
    assert packer.key(Claim("a", LIMIT)) != packer.key(Claim("a", place))


def test_known_limits_are_bounded() -> None:
    packer = Packer("tg")
    for quota in range(_MOST_LIMITS + 10):
        packer.limit(Claim("a", Limit("calls", "rate", "requests", quota, 60.0)))
    assert len(packer._limits) <= _MOST_LIMITS


def test_what_nobody_counts_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Refusal) as refused:
        Packer("tg").claims((Claim("a", Limit("monthly", "budget", "money", 1, 0.0)),))
    assert refused.value.code == "policy_unavailable"


def test_an_answer_of_a_refused_call_denies_enforced_claims_only() -> None:
    claims = (Claim("a", LIMIT), Claim("b", LIMIT, 1, "observe"))
    first, second = standings_of(claims, [0, 7, 3, 1_500_000, 9, b"", 0, 2_000_000, 9, b""])
    assert (first.remaining, first.reset, first.denied) == (3, 1.5, True)
    assert (second.remaining, second.reset, second.denied) == (0, 2.0, False)
