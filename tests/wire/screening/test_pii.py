"""Personal numbers: found where the checksum holds, in any grouping, and only there."""

import pytest

from triplegate.wire.screening.pii import KINDS, finders
from triplegate.wire.screening.spans import found

EVERY = finders(list(KINDS))
GOOD = {
    "email": ["ada.lovelace+x@mail.example.org", "a@b.co"],
    "phone": ["+49 30 901820", "(212) 555-0187", "212-555-0187", "+4915112345678"],
    "card": ["4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "378282246310005"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"],
    "ip": ["192.0.2.17", "2001:db8::8a2e:370:7334"],
    "us_ssn": ["536-90-4399"],
    "de_idnr": ["36 574 261 809"],
    "it_cf": ["RCCMNL83S18D969H"],
    "es_dni": ["54362315K"],
    "pl_pesel": ["44051401359"],
    "br_cpf": ["390.533.447-05"],
}


def kinds(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in found(EVERY, text)]


@pytest.mark.parametrize(("kind", "piece"), [(kind, piece) for kind, pieces in GOOD.items() for piece in pieces])
def test_it_is_found_whole_within_a_sentence(kind: str, piece: str):
    only = finders([kind])
    text = f"It is {piece}, 1 of 2."
    assert [text[span.start : span.end] for span in found(only, text)] == [piece]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00",
        "Order 1234567890123, 12.05.2026 10:20:30",
        "std::vector, a::b, 10:20:30, 1.2.3, 999.1.1.1",
        "id 123e4567e89b12d3a456426614174000",
        "@mention and user@localhost",
        "000-12-3456",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str):
    assert found(finders([kind for kind in KINDS if kind not in ("gb_nhs", "au_tfn", "nl_bsn", "phone")]), text) == []


def test_a_number_behind_other_digits_is_found_all_the_same():
    assert ("card", "4111 1111 1111 1111") in kinds("9 4111 1111 1111 1111 x")
    assert ("iban", "DE89 3704 0044 0532 0130 00") in kinds("DE89 3704 0044 0532 0130 00 NOW OR")


def test_digits_within_a_word_are_part_of_it():
    assert kinds("x4111111111111111") == []
