"""A gateway in this process whose provider chats, embeds and judges as a test wants it, and somebody who calls it."""

import asyncio
import contextlib
import json

import numpy as np
from tests.gates.built import answer, built
from tests.gates.llm.calls import USAGE, configuration
from tests.hostile.scripted import Upstream

PEOPLE = "orgs: {acme: {teams: {web: {consumers: {ci: {}, bot: {}}}, ops: {consumers: {ci: {}}}}}}\n"
CHAT = "/v1/chat/completions"


def vector_of(text):
    """All texts are alike, each a little different."""
    row = np.zeros(24, dtype=np.float32)
    row[0] = 4.0
    row[1 + sum(text.encode()) % 23] = 0.5
    return [float(value) for value in row]


class Provider:
    """Says `said` to every chat, embeds by `vector_of`, and notes what it was asked; waits where it is told to."""

    def __init__(self):
        self.said = lambda body: "Open the page, choose help and confirm."
        self.vector_of = vector_of
        self.model = "embedding-1"
        self.chats, self.embedded = [], []
        self.go, self.came = asyncio.Event(), asyncio.Event()
        self.go.set()
        self.status = b"200 OK"
        self.body = None
        """Said instead of vectors."""

    async def __call__(self, talk):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await talk.head()).lower()
                body = json.loads(await talk.read(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])))
                if b"/embeddings" in head.split(b"\r\n")[0]:
                    await self._embed(talk, body)
                else:
                    self.chats.append(body)
                    message = {"role": "assistant", "content": self.said(body)}
                    choice = {"index": 0, "finish_reason": "stop", "message": message}
                    told = {"id": "x", "object": "chat.completion", "model": "x", "choices": [choice], "usage": USAGE}
                    await talk.say(answer(json.dumps(told).encode()))

    async def _embed(self, talk, body):
        self.embedded.append(body)
        self.came.set()
        await self.go.wait()
        rows = [{"index": at, "embedding": self.vector_of(text)} for at, text in enumerate(body["input"])]
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        told = {"object": "list", "model": self.model, "data": rows, "usage": usage}
        content = json.dumps(told if self.body is None else self.body).encode()
        await talk.say(answer(content, status=self.status))


@contextlib.asynccontextmanager
async def providing(folder, policy="", more="", **ports):
    """Models m (chats), e (embeds) and j (judges); `policy` stands on m, `more` on e."""
    provider = Provider()
    async with Upstream(provider) as upstream:
        one = "{{deployments: [{{provider: p, model: x}}]{}}}"
        models = {
            "m": one.format(f", policies: [{{{policy}}}]" if policy else ""),
            "e": one.format(more),
            "j": one.format(""),
        }
        async with built(folder, configuration({"p": upstream.url}, models) + PEOPLE, **ports) as made:
            yield made, provider


def chat(text, **more):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


async def asked(made, text="Begin?", **more):
    """An exchange that was answered."""
    exchange, _ = await made.serve("POST", CHAT, body=chat(text), **more)
    return exchange


async def until(true, within=20.0):
    """Let the loop go on until `true()`."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.002)
