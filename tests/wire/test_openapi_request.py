"""Arguments as requests: styles, bytes that stay, and nothing that leads elsewhere."""

import msgspec
import pytest
from tests.wire.openapi_documents import SHOP

from triplegate.core.errors import Refusal
from triplegate.wire.openapi import operations
from triplegate.wire.openapi_request import request_of

OPERATIONS = {each.name: each for each in operations(SHOP, [])}


def ask(name, **arguments):
    return request_of(OPERATIONS[name], msgspec.json.encode(arguments))


def test_queries_have_the_style_that_is_written():
    asked = ask("listOrders", state=["a b", "c&d"], filter={"from": 1, "to": True}, ids=[1, 2], **{"X-Trace": "t"})
    assert (asked.method, asked.path) == ("GET", "/orders")
    assert asked.query == b"state=a%20b&state=c%26d&filter[from]=1&filter[to]=true&ids=1,2"
    assert asked.headers == [(b"x-trace", b"t")]
    assert ask("listOrders", state=None).query == b""


def test_a_json_body_is_the_arguments_own_bytes():
    body = b'{"amount": 1.10, "big": 12345678901234567890123, "u": "\\u00e9"}'
    asked = request_of(OPERATIONS["create_order"], b'{"body": ' + body + b"}")
    assert (asked.body, asked.headers) == (body, [(b"content-type", b"application/json")])


def test_forms_and_texts_are_sent_as_such():
    form = ask("form", id="1", body={"a": "x y", "b": [1, 2], "c": False})
    assert (form.body, form.headers) == (
        b"a=x+y&b=1&b=2&c=false",
        [(b"content-type", b"application/x-www-form-urlencoded")],
    )
    assert ask("note", id="1", body="hällo").body == "hällo".encode()
    assert ask("form", id="1").body == b""


def test_files_and_cookies_are_sent_as_such():
    asked = ask("upload", tenant="a b", body={"title": "t", "picture": "iVBORw=="})
    (_, media), cookie = asked.headers
    assert cookie == (b"cookie", b"tenant=a%20b")
    assert media.startswith(b"multipart/form-data; boundary=")
    assert b'; filename="picture.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n' in asked.body


def test_bytes_alone_are_a_body_too():
    said = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
    [operation] = operations({"openapi": "3.0.0", "paths": {"/x": {"put": {"requestBody": said}}}}, [])
    asked = request_of(operation, b'{"body": "iVBORw=="}')
    assert (asked.body, asked.headers) == (b"\x89PNG", [(b"content-type", b"application/octet-stream")])
    assert request_of(operation, b'{"body": "data:image/png;base64,iVBORw=="}').headers[0][1] == b"image/png"


@pytest.mark.parametrize(
    ("name", "more"),
    [("create_order", {"body": {"item": "x" * 100}}), ("note", {"id": "1", "body": "x" * 100})],
)
def test_a_body_is_bounded(name, more):
    with pytest.raises(Refusal, match="more than 64 bytes"):
        request_of(OPERATIONS[name], msgspec.json.encode(more), 64)


def test_what_stands_in_a_path_is_one_element_of_it():
    assert ask("get_orders_id", id="a b?c#ü%2e").path == "/orders/a%20b%3Fc%23%C3%BC%252e"
    both = ask("drop", path_id="1", query_id="2")
    assert (both.path, both.query) == ("/orders/1", b"id=2")


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "../x", "a\\b", "a\nb", "\x7f", None])
def test_what_would_lead_elsewhere_is_refused(value):
    with pytest.raises(Refusal, match="rpc_invalid_params"):
        ask("get_orders_id", id=value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_orders_id", b"{}"),
        ("create_order", b"{}"),
        ("note", b'{"id": "1"}'),
        ("form", b'{"id": "1", "body": [1]}'),
        ("listOrders", b'{"other": 1}'),
        ("listOrders", b'{"": 1}'),
        ("listOrders", b"[]"),
        ("listOrders", b'{"X-Trace": "a\\r\\nhost: b"}'),
        ("listOrders", b'{"state": 1, "state": 2}'),
        ("listOrders", b'{"state": [[1]]}'),
        ("listOrders", b'{"filter": "x"}'),
        ("upload", b'{"tenant": "t", "body": {"picture": "no base64!"}}'),
        ("upload", b'{"tenant": "t", "body": []}'),
        ("upload", b'{"body": {}}'),
    ],
)
def test_arguments_that_do_not_fit_are_refused(name, arguments):
    with pytest.raises(Refusal, match="rpc_invalid_params"):
        request_of(OPERATIONS[name], arguments)
