"""POST /audio/…, as endpoints."""

import json

from triplegate.core.http import BytesBody
from triplegate.gates.llm.forms import read_form
from triplegate.gates.llm.paths.audio import SPEECH, TRANSCRIPTIONS, TRANSLATIONS


def test_speech_is_asked_for_in_json_and_answered_in_sound():
    assert (SPEECH.path, SPEECH.form, SPEECH.any_reply) == (b"/audio/speech", False, True)
    usage = SPEECH.asked(SPEECH.look(b'{"model":"tts-1","input":"hello"}'))
    assert json.loads(usage.tool_units) == {"characters": 5}


async def test_what_was_heard_is_estimated_by_its_size_where_nobody_says():
    start = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    sound = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"x" * 48_000 + b"\r\n--b--\r\n"
    )
    form = await read_form(BytesBody(start + sound), b"multipart/form-data; boundary=b")
    for endpoint in (TRANSCRIPTIONS, TRANSLATIONS):
        usage = endpoint.asked(form)
        assert (usage.source, json.loads(usage.tool_units)) == ("estimated", {"seconds": 3})
        assert (endpoint.form, endpoint.any_reply) == (True, True)
