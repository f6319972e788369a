"""The official OpenAI client over bytes of ours or a provider's: an independent judge of what they say."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai


@contextmanager
def client(body: bytes, kind: str = "text/event-stream", status: int = 200) -> Iterator[openai.OpenAI]:
    """A client whose every call is answered by `body`."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body, headers={"content-type": kind}))
    http = httpx2.Client(transport=transport)
    with openai.OpenAI(api_key="x", base_url="http://gate.test", max_retries=0, http_client=http) as one:
        yield one
