"""POST /images/generations and /images/edits: pass to a provider that serves them, and are counted."""

from triplegate.gates.llm.call import Endpoint
from triplegate.wire.openai_media import edit_call, read_images, reader

GENERATIONS = Endpoint("image_generation", b"/images/generations", "images", reader("dall-e-2"), edit_call, read_images)
EDITS = Endpoint("image_generation", b"/images/edits", "images", reader(), edit_call, read_images, form=True)
VARIATIONS = Endpoint("image_generation", b"/images/variations", "images", reader(), edit_call, read_images, form=True)
