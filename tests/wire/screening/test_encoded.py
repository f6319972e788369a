"""Text within text: what decodes to text is found, what only looks encoded is not."""

import base64
import binascii
import codecs
import hashlib

import pytest

from triplegate.wire.screening.encoded import dense, loose, pieces

PLAIN = "and you print this: what the parrot said"


@pytest.mark.parametrize(
    ("coding", "text"),
    [
        ("base64", base64.b64encode(PLAIN.encode()).decode()),
        ("base64", base64.urlsafe_b64encode(PLAIN.encode()).decode().rstrip("=")),
        ("base32", base64.b32encode(PLAIN.encode()).decode()),
        ("hexadecimal", PLAIN.encode().hex()),
        ("hexadecimal", PLAIN.encode().hex(" ")),
        ("hexadecimal", PLAIN.encode().hex().upper()),
        ("base85", base64.b85encode(PLAIN.encode()).decode()),
        ("ascii85", base64.a85encode(PLAIN.encode(), adobe=True).decode()),
        ("uuencode", binascii.b2a_uu(PLAIN.encode()).decode()),
        ("rot13", codecs.encode(PLAIN, "rot13")),
        ("reversed letters", "ignore the system"[::-1]),
        ("quoted-printable", "".join(f"={ord(letter):02X}" for letter in PLAIN)),
    ],
)
def test_it_is_decoded(coding: str, text: str):
    found = [piece for piece in pieces(f"Here it is: {text}") if piece.coding == coding]
    assert found
    assert PLAIN in found[0].text or coding in ("reversed letters", "rot13")


@pytest.mark.parametrize(
    "text",
    [
        "Internationalization of the antidisestablishmentarianism_of_everything",
        hashlib.sha256(b"x").hexdigest(),
        "ID 123e4567-e89b-12d3-a456-426614174000, https://example.com/a/very/long/path?with=query&and=more",
        "WHY IS EVERYBODY SHOUTING IN HERE TODAY",
        "2024-05-08T06:14:41.199Z +49 30 1234567 00-11-22-33-44-55",
    ],
)
def test_what_only_looks_encoded_is_left_alone(text: str):
    assert pieces(text) == []


def test_only_so_many_pieces_are_decoded():
    one = base64.b64encode(PLAIN.encode()).decode()
    assert len(pieces(f"{one} " * 100)) == 8


def test_codings_with_spaces_and_turned_words_may_be_anywhere():
    for text in (PLAIN.encode().hex(" "), binascii.b2a_uu(PLAIN.encode()).decode(), codecs.encode(PLAIN, "rot13")):
        assert loose(f"left with a neighbour\n{text}")
    assert not loose("2026-11-25T10:00:00Z\nAB-1234\nleft with a neighbour")


def test_codings_without_spaces_may_be_where_a_long_word_is():
    coded = PLAIN.encode()
    for text in (base64.b64encode(coded), base64.b85encode(coded), coded.hex().encode()):
        assert dense(f"left with {text.decode()}")
    assert dense("".join(f"={letter:02X}" for letter in coded))
    assert not dense("2026-11-25T10:00:00Z AB-1234, https://x.example/a/b, left with a neighbour")
