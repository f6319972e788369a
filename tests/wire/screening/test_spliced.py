"""Texts of raw JSON change in their place, wherever they stand and however they are written; nothing else does."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.screening.spliced import spliced


class Hiding:
    """Puts a dash in the place of every canary."""

    def __init__(self, canary="canary"):
        self.canary, self.seen, self.files = canary, [], 0

    def text(self, name, text, *, again=False):
        self.seen.append((name, text))
        return text.replace(self.canary, "-")

    def unseen(self):
        self.files += 1


def hidden(raw, **more):
    texts = Hiding(**more)
    return spliced(raw, texts), texts


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{ "a" : 1.50e0, "b":[true,null , "x\\u00e9\\/"],"a":-0 }',
        b'["\\\\","{}",{"x":"\\"]"}]',
        b"12345678",
        b'"text"',
    ],
)
def test_bytes_stay_the_very_same_where_nothing_is_found(raw):
    assert hidden(raw)[0] is raw


@pytest.mark.parametrize(
    ("raw", "new"),
    [
        (b'{"a" : "a canary!", "n":1.50}', b'{"a" : "a -!", "n":1.50}'),
        (b'{"canary": {"x":1 }, "b":2}', b'{"-": {"x":1 }, "b":2}'),
        (b'{"a":"canary","a":"x"}', b'{"a":"-","a":"x"}'),
        (b'["c\\u0061nary","\\"canary\\\\"]', b'["-","\\"-\\\\"]'),
        (b'"canary"', b'"-"'),
        (b'{"a":[[["canary"]]]}', b'{"a":[[["-"]]]}'),
        (b'{"data":"canary","type":"text"}', b'{"data":"-","type":"text"}'),
        (b'{"data":{"data":"canary"}}', b'{"data":{"data":"-"}}'),
        (b'{"text":"{\\"a\\":\\"c\\\\u0061nary\\"}"}', b'{"text":"{\\"a\\":\\"-\\"}"}'),
        (b'{"text":"{no json: c\\\\u0061nary"}', b'{"text":"{no json: c\\\\u0061nary"}'),
    ],
)
def test_a_text_changes_in_its_place(raw, new):
    assert hidden(raw)[0] == new


def test_long_numbers_are_texts_and_short_ones_are_not():
    assert hidden(b'{"n":4111111111111111,"m":-1234}', canary="4111111111111111")[0] == b'{"n":"-","m":-1234}'
    assert hidden(b"[123456,12345.6,1.5e300]", canary="1")[1].seen == [("", "12345.6"), ("", "1.5e300")]


def test_a_text_is_told_by_the_member_whose_value_it_is():
    assert hidden(b'{"a":["x",{"b":"y"}],"c":"z"}')[1].seen == [
        ("", "a"),
        ("a", "x"),
        ("", "b"),
        ("b", "y"),
        ("", "c"),
        ("c", "z"),
    ]


def test_what_is_opaque_is_nobodys_to_read_on_the_first_level_only():
    raw = b'{"state":"canary","n":{"state":"canary"},"m":["canary"]}'
    assert spliced(raw, Hiding(), frozenset({"state", "m"})) == b'{"state":"canary","n":{"state":"-"},"m":["-"]}'


def encoded(plain):
    return base64.b64encode(plain).decode()


@pytest.mark.parametrize(
    "shape", ['{{"type":"image","data":"{}"}}', '{{"data":"{}","type":"audio"}}', '{{"blob":"{}"}}']
)
def test_text_in_base64_is_read_and_what_is_no_text_is_said_to_be_unseen(shape):
    new, texts = hidden(shape.format(encoded(b"a canary \xc3\xa9")).encode())
    assert encoded(b"a - \xc3\xa9").encode() in new
    assert texts.files == 0
    raw = shape.format(encoded(b"\x89PNG\r\n\x1a\n\0\0" * 40)).encode()
    new, texts = hidden(raw)
    assert (new, texts.files) == (raw, 1)
    assert hidden(shape.format("a canary").encode())[0] == shape.format("a -").encode()


def test_half_a_pair_of_surrogates_hides_nothing():
    assert hidden(b'["\\ud83dcanary"]')[0] == '["\ufffd-"]'.encode()
    with pytest.raises(Refusal, match="content_unseen"):
        hidden(b'["\xff canary"]')


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(value=VALUES, ascii=st.booleans(), spaced=st.booleans())
def test_whatever_the_json_only_the_canary_goes(value, ascii, spaced):  # noqa: A002 - as json says
    written = json.dumps([value, {"k": "a canary", "canary": value}], ensure_ascii=ascii, indent=1 if spaced else None)
    raw = written.encode("utf-8", "replace")
    read = json.loads(spliced(raw, Hiding()))
    assert read == json.loads(raw.replace(b"canary", b"-"))
