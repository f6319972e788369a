"""Forms as they are sent: names, parts, files in base64, and bounds."""

import base64
import io

import pytest
from multipart import MultipartParser

from triplegate.core.errors import Refusal
from triplegate.wire.openapi_bodies import FILES, FORM, Body, Field
from triplegate.wire.openapi_forms import multipart, read_file, urlencoded
from triplegate.wire.openapi_styles import Style

PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = base64.b64encode(PNG).decode()


def parts(members, fields=None, largest=10_000):
    """What a reader of forms makes of it: name, file name, type and bytes of each part."""
    media, content = multipart(Body("body", FILES, required=True, fields=fields or {}), members, largest)
    boundary = media.removeprefix("multipart/form-data; boundary=")
    told = MultipartParser(io.BytesIO(content), boundary, strict=True)
    return [(part.name, part.filename, part.headers.get("content-type", ""), part.raw) for part in told]


def test_members_are_parts():
    told = parts({"a": "hä", "n": 1.5, "t": True, "no": None, "many": ["x", "y"], "o": {"p": [1]}})
    assert told == [
        ("a", None, "", "hä".encode()),
        ("n", None, "", b"1.5"),
        ("t", None, "", b"true"),
        ("many", None, "", b"x"),
        ("many", None, "", b"y"),
        ("o", None, "application/json", b'{"p":[1]}'),
    ]


def test_files_are_the_bytes_that_they_were():
    fields = {"one": Field(file=True), "some": Field("image/png", file=True)}
    told = parts({"one": f"data:audio/mpeg;base64,{PICTURE}", "some": [PICTURE, PICTURE]}, fields)
    assert told == [
        ("one", "one.mp3", "audio/mpeg", PNG),
        ("some", "some-1.png", "image/png", PNG),
        ("some", "some-2.png", "image/png", PNG),
    ]
    assert parts({"one": PICTURE}, fields) == [("one", "one", "application/octet-stream", PNG)]


def test_a_part_is_json_where_that_is_written():
    fields = {"a": Field("application/json"), "t": Field("text/csv")}
    assert parts({"a": [1, "x"], "t": "a,b"}, fields) == [
        ("a", None, "application/json", b'[1,"x"]'),
        ("t", None, "text/csv", b"a,b"),
    ]


def test_no_name_and_no_value_makes_a_part_of_its_own():
    name = 'a"\r\nX-Evil: 1\r\n\r\n--'
    [(told, _, _, value)] = parts({name: "--\r\n--x\r\n"})
    assert (told, value) == (name, b"--\r\n--x\r\n")
    boundaries = {multipart(Body("b", FILES, required=True), {"a": "x"}, 1000)[0] for _ in range(3)}
    assert len(boundaries) == 3


def test_an_empty_form_is_one():
    assert parts({}) == []


@pytest.mark.parametrize("wrong", [7, None, [], "not base64!", "aGk", "aGk=\n", "data:image/png,aGk=", "ü"])
def test_what_is_no_file_is_refused_by_name(wrong):
    with pytest.raises(Refusal, match="'f' is no"):
        read_file(wrong, "f", 100)


def test_bytes_are_bounded_before_and_after_they_are_read():
    with pytest.raises(Refusal, match="more than 8 bytes"):
        read_file("A" * 1000, "f", 8)
    assert read_file(PICTURE, "f", 8) == ("", PNG)
    with pytest.raises(Refusal, match="more than 200 bytes"):
        parts({"a": ["x" * 80] * 3}, largest=200)


def test_urlencoded_members_are_repeated_or_have_their_style():
    fields = {"s": Field(style=Style("form", explode=False)), "d": Field(style=Style("deepObject", explode=True))}
    body = Body("body", FORM, required=True, fields={**fields, "j": Field("application/json")})
    members = {"a": "x y", "b": [1, 2], "c": False, "no": None, "o": {"p": 1}, "s": [1, 2], "d": {"k": "v w"}, "j": [1]}
    told = urlencoded(body, members)
    assert told == b"a=x+y&b=1&b=2&c=false&o=%7B%22p%22%3A1%7D&s=1,2&d[k]=v+w&j=%5B1%5D"
