"""What must not be seen is taken out of texts, and the rest stays as it is."""

import pytest

from triplegate.control.telemetry.redact import HIDDEN, Redactor

SECRETS = [
    "anna.b+c@mail.example.org",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5500005555555559",
    "sk-proj-abcdefghijklmnopqrstuvwx",
    "tg_live_0123456789abcdefghij",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "AKIAIOSFODNN7EXAMPLE0",
    "Bearer abcdefghijklmnop.qrs",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "password: hunter2",
    '"api_key": "k-1"',
    "DE89 3704 0044 0532 0130 00",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAB==\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncut off here",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    cleaned = Redactor().clean(f"before {secret}\nafter")
    assert secret not in cleaned
    assert HIDDEN in cleaned
    assert cleaned.startswith("before ")


def test_what_is_no_secret_stays() -> None:
    plain = "4111 1111 1111 1112 tokens of gpt-5; the order 1234567890123 is at example.org, ask-me-anything-please"
    assert Redactor().clean(plain) == plain


def test_an_operators_own_patterns_are_hidden_too() -> None:
    redactor = Redactor([r"Project \w+", r"(?i)zeus"])
    assert redactor.clean("Project Apollo, ZEUS and Hera") == f"{HIDDEN}, {HIDDEN} and Hera"
    with pytest.raises(ValueError, match="not a pattern"):
        Redactor(["("])
