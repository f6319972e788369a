"""Which links servers may have users follow."""

import json

import pytest

from triplegate.wire.mcp_links import asks_input, error_fits, may_link, params_fit, result_fits

WEB = ["https://example.com/x", "http://127.0.0.1:8080/", "HTTPS://EXAMPLE.COM"]
OTHER = [
    "javascript:alert(1)",
    "JavaScript:x",
    " https://example.com",
    "data:text/html,x",
    "file:///x",
    "//example.com",
]


def raw(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize("url", [*WEB, *OTHER])
def test_only_web_pages_are_linked(url):
    link = {"mode": "url", "message": "m", "url": url}
    fits = url in WEB
    assert params_fit(raw(link)) is fits
    assert error_fits(raw({"code": -32042, "message": "m", "data": {"elicitations": [link]}})) is fits
    for result in (
        raw({"resultType": "input_required", "inputRequests": {"a": {"method": "elicitation/create", "params": link}}}),
        raw({"resultType": "input_required", "inputRequests": {"a": {"params": link}}}).replace(b"_r", b"\\u005fr"),
    ):
        assert asks_input(result)
        assert result_fits(result) is fits


def test_forms_and_other_results_fit():
    assert params_fit(b"")
    assert params_fit(raw({"message": "m", "requestedSchema": {"type": "object"}}))
    assert result_fits(b"")
    assert result_fits(raw({"resultType": "complete", "content": [{"text": "input_required javascript:x"}]}))
    assert result_fits(raw({"resultType": "input_required", "requestState": "s"}))
    assert error_fits(raw({"code": -32602, "message": "elicitations", "data": {"uri": "javascript:x"}}))


@pytest.mark.parametrize("params", [b"7", b'{"url": 7}', b"{", b'{"url": "\xff"}'])
def test_what_cannot_be_read_does_not_fit(params):
    assert not params_fit(params)
    assert (
        not result_fits(b'{"resultType":"input_required","inputRequests":{"a":{"params":%b}}}' % params)
        or params == b"{"
    )
    assert not error_fits(b'{"code":1,"data":{"elicitations":[%b]}}' % params)


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (b'"resultType":"input_required"', True),
        (b'"resultType" :\n "input_required"', True),
        (b'"resultType":' + b" " * 40, True),
        (b'"resultType"' + b"\n" * 40, True),
        (b'"input\\u005frequired"', True),
        (b'"\\u0072esultType"', True),
        (b'{"data":{"elicitations":[]}}', True),
        (b'"resultType":"complete"', False),
        (b'"\\"resultType\\":\\"input_required\\""', False),
        (b'"input_required"', False),
        (b'"\\u00e9\\u0022\\u003c\\\\u0041"', False),
    ],
)
def test_what_may_ask_is_seen_in_bytes_that_are_not_read(text, may):
    assert may_link(text) is may
