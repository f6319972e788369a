"""POST /images/generations and /images/edits: pass to a provider that serves them, streamed or not, and are counted."""

from functools import partial

from triplegate.gates.llm.call import Endpoint
from triplegate.wire.openai_media import edit_call, read_images, reader
from triplegate.wire.openai_media_stream import MediaStream

_endpoint = partial(
    Endpoint,
    "image_generation",
    family="images",
    edit=edit_call,
    usage=read_images,
    relay=MediaStream,
    once=True,
)
GENERATIONS = _endpoint(path=b"/images/generations", look=reader("dall-e-2"))
EDITS = _endpoint(path=b"/images/edits", look=reader(), form=True)
VARIATIONS = _endpoint(path=b"/images/variations", look=reader(), form=True)
