"""Which fields policies may write, and in which order they do."""

import pytest
from pydantic import ValidationError

from triplegate.config.header_edits import REPLY_OWNED, REQUEST_OWNED
from triplegate.core.outgoing import edited
from triplegate.policies.request_headers import RequestHeaders
from triplegate.policies.response_headers import ResponseHeaders


def test_fields_are_removed_then_set_then_added() -> None:
    policy = RequestHeaders.model_validate({"remove": ["A"], "set": {"B": "2"}, "add": {"A": "3", "c": "4"}})
    before = [(b"a", b"1"), (b"b", b"0"), (b"b", b"1"), (b"c", b"1")]
    assert edited(before, policy.edits) == [(b"c", b"1"), (b"b", b"2"), (b"a", b"3"), (b"c", b"4")]


@pytest.mark.parametrize("how", ["set", "add", "remove"])
@pytest.mark.parametrize(
    "name", ["Connection", "transfer-encoding", "Content-Length", "te", "x-triplegate-mirror", "X-Request-Id", "via"]
)
def test_framing_and_the_gateways_own_fields_are_not_written(how: str, name: str) -> None:
    for cls in (RequestHeaders, ResponseHeaders):
        with pytest.raises(ValidationError, match="gateway's own"):
            cls.model_validate({how: [name] if how == "remove" else {name: "1"}})


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-For", "forwarded", "traceparent", "expect"])
def test_host_and_forwarding_fields_are_not_written_on_requests(name: str) -> None:
    with pytest.raises(ValidationError, match="gateway's own"):
        RequestHeaders.model_validate({"set": {name: "1"}})


def test_what_is_owned_is_in_lower_case() -> None:
    assert all(name == name.lower() for name in REQUEST_OWNED | REPLY_OWNED)


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\n", "a\0", "\x7f"])
def test_a_value_is_one_line(value: str) -> None:
    for cls in (RequestHeaders, ResponseHeaders):
        with pytest.raises(ValidationError):
            cls.model_validate({"set": {"x-a": value}})
        with pytest.raises(ValidationError):
            cls.model_validate({"add": {"x-a": value}})


@pytest.mark.parametrize("wrong", [{}, {"set": {}}, {"remove": []}, {"set": {"a b": "1"}}, {"set": {"x_a": "1"}}])
def test_nothing_and_what_is_no_field_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RequestHeaders.model_validate(wrong)
