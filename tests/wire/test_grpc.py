"""Statuses, deadlines and metadata between HTTP's words and gRPC's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import CODES, Refusal
from triplegate.wire.grpc import (
    from_http,
    from_metadata,
    health_question,
    is_grpc,
    is_serving,
    parse_timeout,
    percent_decoded,
    percent_encoded,
    status_fields,
    to_http,
    to_metadata,
)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (502, 14), (503, 14), (504, 14), (500, 2), (301, 2)],
)
def test_gr4_an_answer_in_plain_http_has_its_status(status, code):
    assert from_http(status) == code


def test_gr7_a_status_has_its_place_in_http():
    assert [to_http(code) for code in range(17)] == [
        200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
    ]  # fmt: skip
    assert to_http(99) == 500


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("unauthenticated", 16),
        ("invalid_credentials", 16),
        ("forbidden", 7),
        ("route_not_found", 12),
        ("quota_exceeded", 8),
        ("concurrency_exceeded", 8),
        ("budget_exceeded", 8),
        ("body_too_large", 8),
        ("headers_too_large", 8),
        ("overloaded", 14),
        ("draining", 14),
        ("policy_unavailable", 14),
        ("upstream_unreachable", 14),
        ("upstream_timeout", 4),
        ("internal", 13),
    ],
)
def test_gr3_a_refusal_has_its_status(code, status):
    assert CODES[code].grpc == status


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"300m", 0.3), (b"2S", 2), (b"1M", 60), (b"1H", 3600), (b"5u", 5e-6), (b"7n", 7e-9), (b"99999999S", 99999999)],
)
def test_a_timeout_has_a_unit(value, seconds):
    assert parse_timeout(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [b"", b"5", b"m", b"1.5S", b"-1S", b"123456789S", b"1s", b"1 S"])
def test_what_is_no_timeout_is_none(value):
    assert parse_timeout(value) is None


def test_a_message_is_percent_encoded():
    assert percent_encoded("50% off\nna\u00efve") == b"50%25 off%0Ana%C3%AFve"


@given(st.binary(max_size=60))
def test_any_message_comes_back(drawn):
    text = drawn.decode(errors="replace")
    value = percent_encoded(text)
    assert all(0x20 <= byte <= 0x7E for byte in value)
    assert percent_decoded(value) == text


def test_fields_become_metadata_without_what_grpc_writes_itself():
    headers = [
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"grpc-timeout", b"1S"),
        (b"grpc-encoding", b"gzip"),
        (b"te", b"trailers"),
        (b"user-agent", b"mine"),
        (b"content-type", b"application/grpc"),
        (b"x-b-bin", b"/w"),
        (b"x-c-bin", b"AAE=,Ag"),
        (b"user_id", b"7"),
    ]
    assert to_metadata(headers) == (
        ("x-a", "1"),
        ("x-a", "2"),
        ("x-b-bin", b"\xff"),
        ("x-c-bin", b"\x00\x01"),
        ("x-c-bin", b"\x02"),
        ("user_id", "7"),
    )


@pytest.mark.parametrize("line", [(b"x!a", b"1"), (b"x-a", b"caf\xe9"), (b"x-bin", b"***"), (b"x-bin", b"A")])
def test_what_cannot_be_metadata_is_refused(line):
    with pytest.raises(Refusal) as refused:
        to_metadata([line])
    assert refused.value.code == "malformed_request"


def test_metadata_becomes_fields_as_on_the_wire_and_status_details_stay():
    metadata = (("x-a", "1"), ("x-b-bin", b"\xff"), ("grpc-status-details-bin", b"\x01"), ("grpc-x", "no"))
    assert from_metadata(metadata) == [(b"x-a", b"1"), (b"x-b-bin", b"/w"), (b"grpc-status-details-bin", b"AQ")]
    assert from_metadata(None) == []


@given(st.lists(st.binary(max_size=20), max_size=4))
def test_binary_values_come_back(values):
    sent = tuple(("x-bin", value) for value in values)
    assert to_metadata(from_metadata(sent)) == sent


def test_a_status_is_a_field_and_its_message_only_where_there_is_one():
    assert status_fields(0, "", [(b"x-a", b"1")]) == [(b"grpc-status", b"0"), (b"x-a", b"1")]
    assert status_fields(5, "gone", []) == [(b"grpc-status", b"5"), (b"grpc-message", b"gone")]


def test_the_health_of_a_service_is_asked_and_answered_as_its_proto_says():
    assert health_question("") == b""
    assert health_question("a.B") == b"\x0a\x03a.B"
    assert is_serving(b"\x08\x01")
    assert not any(map(is_serving, (b"", b"\x08\x00", b"\x08\x02", b"\x08\x03")))


def test_grpc_is_told_by_its_content_type():
    assert is_grpc(b"application/grpc")
    assert is_grpc(b"Application/GRPC-web-text")
    assert not is_grpc(b"application/json")
    assert not is_grpc(None)
