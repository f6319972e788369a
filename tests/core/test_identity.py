"""Keys carry their own checksum; the directory says who a name is."""

import re

from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.identity import Directory, Team, digest_key, key_id_of, new_key, same_digest


def test_a_key_has_the_published_form_and_names_its_id():
    key, key_id = new_key("test")
    assert re.fullmatch(r"tg_test_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}", key)
    assert key_id_of(key) == key_id
    assert key.split("_")[2] == key_id


def test_two_keys_are_never_alike():
    assert len({new_key()[0] for _ in range(200)}) == 200


@given(share=st.floats(0, 1, exclude_max=True), first=st.permutations("ab_"))
def test_one_changed_character_fails_the_offline_checksum(share, first):
    # Every draw is made before the key, which is random: what is drawn never depends on it.
    key, _ = new_key()
    place = int(share * len(key))
    other = next(letter for letter in first if letter != key[place])
    assert key_id_of(key[:place] + other + key[place + 1 :]) is None


@given(st.text(max_size=100))
def test_anything_else_is_not_a_key(text):
    assert key_id_of(text) is None


def test_the_digest_depends_on_pepper_and_key():
    key, _ = new_key()
    digest = digest_key(b"p", key)
    assert len(digest) == 32
    assert same_digest(digest, digest_key(b"p", key))
    assert not same_digest(digest, digest_key(b"q", key))
    assert not same_digest(digest, digest_key(b"p", new_key()[0]))


def test_a_principal_has_the_nearest_plan_and_all_rights():
    team = Team("acme", "web", "team-plan", {"ci": ("own-plan", frozenset({"r1"}), frozenset({"s1"}))})
    directory = Directory({"web": team})
    ci = directory.principal(team, "ci", "key", roles=frozenset({"r2"}))
    assert (ci.plan, ci.roles, ci.scopes, ci.team_ref) == ("own-plan", {"r1", "r2"}, {"s1"}, "acme/web")
    assert directory.principal(team, "ci", "key", plan="keys-plan").plan == "keys-plan"
    assert directory.principal(team, "someone", "jwt").plan == "team-plan"
