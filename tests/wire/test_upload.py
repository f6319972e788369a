"""The file of a batch is looked at on its way, wherever its purpose stands and however the form is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.test_batch_file import call

from triplegate.core.errors import Refusal
from triplegate.wire.upload import Upload

CALLS = b"\n".join([call()] * 3)
BAD = CALLS + b"\n" + call("other") + b"\n" + call()


def part(name, value, more=b""):
    return b'--B\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (name, more, value)


def file(content):
    return part(b"file", content, b'; filename="a.jsonl"\r\nContent-Type: application/jsonl')


def form(*parts):
    return b"".join(parts) + b"--B--\r\n"


def passed(text, sizes=(1 << 20,)):
    upload, place = Upload(b"B", {"gpt"}.__contains__, {"gpt"}.__contains__), 0
    for size in [*sizes, len(text)]:
        if place < len(text):
            upload.feed(text[place : place + size])
            place += size
    return upload


BATCH, OTHER = part(b"purpose", b"batch"), part(b"purpose", b"fine-tune")
SIZES = st.lists(st.integers(1, 40), max_size=60)


@given(SIZES, st.sampled_from([form(BATCH, file(CALLS)), form(file(CALLS), BATCH), form(file(BAD), OTHER)]))
def test_what_may_pass_passes_however_it_is_cut(sizes, text):
    assert passed(text, sizes).ended


@given(SIZES, st.sampled_from([form(BATCH, file(BAD)), form(file(BAD), BATCH), form(OTHER[:0], file(BAD), BATCH)]))
def test_a_model_that_may_not_be_used_is_found_however_it_is_cut(sizes, text):
    with pytest.raises(Refusal, match=r"Line 4 .* 'other'") as caught:
        passed(text, sizes)
    assert caught.value.code == "model_not_found"


def test_of_two_files_both_are_looked_at():
    with pytest.raises(Refusal, match="Line 4"):
        passed(form(BATCH, file(CALLS), file(BAD)))
    with pytest.raises(Refusal, match="Line 4"):
        passed(form(file(BAD), file(CALLS), BATCH))


def test_a_file_for_another_purpose_may_be_anything():
    assert passed(form(OTHER, file(b"\x00" * 20_000_000))).ended
    assert passed(form(file(b"\x00" * 20_000_000), OTHER)).ended


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"x" + form(BATCH), "does not begin with its boundary"),
        (form(OTHER, BATCH, file(BAD)), "more than once"),
        (form(part(b"purpose", b"b" * 65)), "too long"),
        (b"--B\r\nContent-Disposition: form-data\r\n\r\n", "no name"),
        (b"--B\r\n" + b"x" * 9000, "too large"),
        (form(BATCH)[:-4] + b"xx\r\n", "followed by something else"),
    ],
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(text, words):
    with pytest.raises(Refusal, match=words) as caught:
        passed(text)
    assert caught.value.code == "invalid_body"
