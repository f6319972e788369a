"""POST /audio/speech, /audio/transcriptions and /audio/translations: pass to a provider that serves them."""

from triplegate.core.usage import Usage
from triplegate.gates.llm.call import Endpoint
from triplegate.gates.llm.forms import Form
from triplegate.wire.openai_media import edit_call, read_transcription, reader, spoken
from triplegate.wire.openai_media_stream import MediaStream

_BYTES_A_SECOND = 16_000
"""Of compressed sound, 128 kbit/s: where an answer does not say how long its sound was."""


_TOKENS_A_SECOND = 10
_WORDS_A_SECOND = 3
"""Tokens of text that are heard in a second."""


def _heard(form: Form) -> Usage:
    """In seconds and in tokens: models are paid by the one or by the other."""
    length = len(form.text) if form.length is None else form.length
    seconds = max(1, length // _BYTES_A_SECOND)
    return Usage(
        audio_in=_TOKENS_A_SECOND * seconds,
        output_text=_WORDS_A_SECOND * seconds,
        source="estimated",
        tool_units=f'{{"seconds":{seconds}}}',
    )


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
