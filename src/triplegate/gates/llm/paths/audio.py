"""POST /audio/speech, /audio/transcriptions and /audio/translations: pass to a provider that serves them."""

from triplegate.core.usage import Usage
from triplegate.gates.llm.call import Endpoint
from triplegate.gates.llm.forms import Form
from triplegate.wire.openai_media import edit_call, read_transcription, reader, spoken
from triplegate.wire.openai_media_stream import MediaStream

_BYTES_A_SECOND = 16_000
"""Of compressed sound, 128 kbit/s: where an answer does not say how long its sound was."""


def _heard(form: Form) -> Usage:
    length = len(form.text) if form.length is None else form.length
    return Usage(source="estimated", tool_units=f'{{"seconds":{max(1, length // _BYTES_A_SECOND)}}}')


SPEECH = Endpoint(
    "speech",
    b"/audio/speech",
    "audio",
    reader(),
    edit_call,
    read_transcription,
    MediaStream,
    asked=spoken,
    any_reply=True,
)
TRANSCRIPTIONS = Endpoint(
    "transcription",
    b"/audio/transcriptions",
    "audio",
    reader(),
    edit_call,
    read_transcription,
    MediaStream,
    form=True,
    any_reply=True,
    asked=_heard,
)
TRANSLATIONS = Endpoint(
    "transcription",
    b"/audio/translations",
    "audio",
    reader(),
    edit_call,
    read_transcription,
    MediaStream,
    form=True,
    any_reply=True,
    asked=_heard,
)
