"""Secrets: by how they begin, or by what stands before a value that looks random."""

import pytest

from triplegate.wire.screening.secrets import Secrets, random
from triplegate.wire.screening.spans import found

FIND = [Secrets()]
LETTERS = "aZ3kQ9xW7bT5mR1nY8pL2vC4dF6gH0jS"
SECRETS = [
    "AKIA" + "QWERTY23ASDFGH45",
    "ghp_" + "A1b2" * 9,
    "sk-proj-" + LETTERS,
    "sk_live_" + LETTERS,
    "xoxb-123456789012-" + LETTERS,
    "AIza" + "B" * 35,
    "glpat-" + LETTERS[:20],
    "hf_" + LETTERS,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWlzLWhlcmU",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE+abc/def\nQ1w2==\n-----END RSA PRIVATE KEY-----",
]


def pieces(text: str) -> list[str]:
    return [text[span.start : span.end] for span in found(FIND, text)]


@pytest.mark.parametrize("secret", SECRETS)
def test_it_is_found_whole(secret: str):
    assert pieces(f"Use {secret} for it.") == [secret]


def test_a_key_without_its_end_is_found_to_the_end_of_what_is_there():
    assert pieces("see -----BEGIN PRIVATE KEY-----\nMIIE+ab") == ["-----BEGIN PRIVATE KEY-----\nMIIE+ab"]


def test_a_value_that_looks_random_is_one_behind_a_name_that_says_so():
    assert pieces('{"db_password": "Tr0ub4dor&3x"}') == ["Tr0ub4dor&3x"]
    assert pieces(f"API_KEY={LETTERS}") == [LETTERS]
    assert pieces("password: hunter2hunter") == []
    assert pieces(f"commit {LETTERS}") == []


@pytest.mark.parametrize(
    "text",
    [
        "The password is required. Your token is invalid or expired.",
        "token = response.json()['access_token']",
        "primary key: customer_identifier, sort key: created",
        "skip-this-one and ask-me-anything-about-something-long",
    ],
)
def test_words_are_no_secrets(text: str):
    assert pieces(text) == []


def test_random_has_several_kinds_of_characters_and_few_that_repeat():
    assert random(LETTERS)
    assert not random("aaaaaaaa1111")
    assert not random("onlyletters")
