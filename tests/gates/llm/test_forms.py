"""Forms of files: a small one is read whole and can be sent again, a large one streams behind its model."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.core.http import Body, BytesBody
from triplegate.gates.llm.forms import KEPT, read_form

KIND = b"multipart/form-data; boundary=b"
MODEL = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'


class Coming(Body):
    kind = "one_pass"
    length = None
    started = False

    def __init__(self, *pieces, length=None):
        self.pieces, self.length = list(pieces), length

    async def chunks(self):
        while self.pieces:
            yield self.pieces.pop(0)

    async def whole(self, limit):
        raise AssertionError("not to be gathered")


async def sent(body):
    return b"".join([piece async for piece in body.chunks()])


async def test_a_small_form_is_whole_and_only_its_model_changes():
    text = FILE + b"\x00\xff" * 9 + b"\r\n" + MODEL + b"--b--\r\n"
    form = await read_form(BytesBody(text), KIND)
    assert (form.model, form.rest) == ("m", None)
    for name in (b"vendor-1", b"x"):
        renamed = form.renamed(name.decode())
        assert (renamed.kind, renamed.content) == (
            "replayable",
            text.replace(b"\r\n\r\nm\r\n", b"\r\n\r\n%b\r\n" % name),
        )


async def test_a_large_form_streams():
    pieces = [MODEL + FILE, b"x" * KEPT, b"\r\n--b--\r\n"]
    whole = b"".join(pieces)
    coming = Coming(*pieces, length=len(whole))
    form = await read_form(coming, KIND)
    assert len(coming.pieces) == 2
    renamed = form.renamed("vendor")
    assert (renamed.kind, renamed.length) == ("one_pass", len(whole) + 5)
    assert await sent(renamed) == whole.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nvendor\r\n")


@pytest.mark.parametrize(
    ("last", "why"),
    [(b"\r\n" + MODEL + b"--b--\r\n", "model stands more than once"), (b"\r\n--b-", "ends before its last boundary")],
)
async def test_a_second_model_or_a_cut_form_breaks_the_upload(last, why):
    form = await read_form(Coming(MODEL + FILE, b"x", last), KIND)
    with pytest.raises(Refusal) as caught:
        await sent(form.renamed("vendor"))
    assert caught.value.code == "invalid_body"
    assert why in caught.value.detail


@pytest.mark.parametrize(
    "body",
    [
        BytesBody(FILE + b"x\r\n--b--\r\n"),
        BytesBody(MODEL),
        Coming(FILE + b"x\r\n--b--\r\n"),
        Coming(FILE, *[b"x" * 300_000] * 9),
    ],
)
async def test_a_form_without_a_model_in_time_is_refused(body):
    with pytest.raises(Refusal) as caught:
        await read_form(body, KIND)
    assert (caught.value.code, caught.value.payload["param"]) == ("invalid_body", "model")
