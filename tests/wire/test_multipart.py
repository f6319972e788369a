"""The model of a form of files is found while it streams; what can be read in two ways is not read."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.multipart import ModelFinder, boundary_of

HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
MODEL = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
FORM = MODEL + HEAD + b"\x00\r\n--\r\n-b\xff" * 9 + b"\r\n--b--\r\n"
LATE = HEAD + b"\x00--b\r\n--\r" * 9 + b"\r\n" + MODEL + b"--b--\r\n"


def fed(form, sizes=(1 << 20,), boundary=b"b"):
    finder, place, turn = ModelFinder(boundary), 0, 0
    while place < len(form):
        size = sizes[turn % len(sizes)]
        finder.feed(form[place : place + size])
        place, turn = place + size, turn + 1
    return finder


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_it_is_found_whatever_the_split(sizes):
    for form in (FORM, LATE):
        finder = fed(form, sizes)
        assert (finder.model, finder.ended) == ("whisper-1", True)
        start, end = finder.span
        assert form[start:end] == b"whisper-1"


def test_it_is_known_before_the_file_has_come():
    finder = fed(MODEL + HEAD)
    assert (finder.model, finder.ended) == ("whisper-1", False)
    assert fed(HEAD + b"x" * 100_000).span is None


def test_the_forms_of_an_official_client_are_read():
    request = httpx.Request(
        "POST", "http://a.example", data={"model": "m-1", "n": "2"}, files={"image": ("a.png", b"\x89PNG" * 50)}
    )
    finder = ModelFinder(boundary_of(request.headers["content-type"].encode()))
    finder.feed(request.read())
    assert (finder.model, finder.ended) == ("m-1", True)


@pytest.mark.parametrize(
    "form",
    [
        MODEL + MODEL,
        MODEL + HEAD + b"x\r\n" + MODEL.replace(b'"model"', b"model"),
        b"preamble\r\n" + MODEL,
        b"\r\n" + MODEL,
        MODEL.replace(b"Content-Disposition", b"X-Other"),
        MODEL.replace(b'name="model"', b"name*=UTF-8''model"),
        MODEL.replace(b'name="model"', b'name="a"; name="model"'),
        MODEL.replace(b'; name="model"', b'; name ="model"'),
        MODEL.replace(b"\r\n\r\n", b"\r\nContent-Disposition: form-data; name=x\r\n\r\n"),
        MODEL.replace(b": form", b"\n: form"),
        MODEL.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
        MODEL.replace(b"whisper-1", b"x" * 300),
        MODEL.replace(b"whisper-1", b"\xff"),
        b"--bc\r\n" + MODEL,
        b"--b\r\n" + b"x: y\r\n" * 3_000,
    ],
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(form):
    with pytest.raises(Refusal) as caught:
        fed(form + b"--b--\r\n")
    assert caught.value.code == "invalid_body"


def test_only_forms_with_a_boundary_are_taken():
    assert boundary_of(b"multipart/form-data; charset=utf-8; boundary=a-b") == b"a-b"
    assert boundary_of(b'Multipart/Form-Data;boundary="a b"') == b"a b"
    for kind in (b"application/json", b"multipart/form-data", b"multipart/mixed; boundary=x", b""):
        with pytest.raises(Refusal):
            boundary_of(kind)


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data; boundary=a; boundary=b",
        b'multipart/form-data; boundary="a"; boundary=b',
        b"multipart/form-data; BOUNDARY=a; boundary=b",
        b"multipart/form-data; boundary*=utf-8''a; boundary=b",
        b"multipart/form-data; boundary=" + b"a" * 71,
        b'multipart/form-data; boundary=""',
        b"multipart/form-data; boundary=a b",
        b"multipart/form-data; boundary=a, multipart/form-data; boundary=b",
        b"multipart/form-data",
    ],
)
def test_a_boundary_that_can_be_read_in_two_ways_is_none(content_type):
    with pytest.raises(Refusal) as caught:
        boundary_of(content_type)
    assert caught.value.code == "unsupported_media_type"


@pytest.mark.parametrize("said", [b"boundary=a'(b)/c:d=e?", b'charset=utf-8; boundary="a\'(b)/c:d=e?" ;'])
def test_a_boundary_is_read_as_clients_write_it(said):
    assert boundary_of(b"Multipart/Form-Data; " + said) == b"a'(b)/c:d=e?"
