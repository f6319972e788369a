"""Guards that do as they are told, over real HTTP: each finds `EVIL` and the name `Ada 🌹 Lovelace` in what it is sent.

`mode` says how they fail: ok, slow (no answer), broken (500), garbage, large, redirect.
"""

import asyncio
import contextlib
import json

from tests.gates.built import answer
from tests.gates.llm.calls import USAGE

EVIL, NAME = "EVIL", "Ada 🌹 Lovelace"
MODES = {
    "broken": answer(b"{}", status=b"500 Oh"),
    "garbage": answer(b'{"action": "maybe", "results": 7}'),
    "large": answer(b'"' + b"x" * 2_000_000 + b'"'),
    "redirect": answer(b"{}", b"Location: http://127.0.0.1:9/", status=b"302 Found"),
}


def moderation(body):
    results = [
        {
            "flagged": EVIL in text,
            "categories": {"violence": EVIL in text, "hate/threatening": False},
            "category_scores": {"violence": 0.9 if EVIL in text else 0.1, "hate/threatening": 0.0},
        }
        for text in body["input"]
    ]
    return {"id": "modr-1", "model": body["model"], "results": results}


def presidio(body):
    text, found = body["text"], []
    at = text.find(NAME)
    while at >= 0:
        found.append({"start": at, "end": at + len(NAME), "score": 0.85, "entity_type": "PERSON"})
        at = text.find(NAME, at + 1)
    return found


def webhook(body):
    texts = [one["text"] for one in body["texts"]]
    if any(EVIL in text for text in texts):
        return {"action": "block", "reason": "house_rule"}
    if any("NOTE" in text for text in texts):
        return {"action": "annotate", "kinds": ["noted"]}
    spans = [
        {
            "text": number,
            "start": len(text[: text.index(NAME)].encode("utf-16-le")) // 2,
            "end": len(text[: text.index(NAME) + len(NAME)].encode("utf-16-le")) // 2,
            "kind": "person",
        }
        for number, text in enumerate(texts)
        if NAME in text
    ]
    return {"action": "mask", "spans": spans, "unit": "utf16"} if spans else {"action": "allow"}


def judge(body):
    system, user = [message["content"] for message in body["messages"]]
    mark = user.split("\n")[0]
    assert mark in system
    verdict = {"mark": mark, "verdict": "allow", "category": None}
    if EVIL in user:
        verdict |= {"verdict": "block", "category": "rule"}
    message = {"role": "assistant", "content": json.dumps(verdict)}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    return {"id": "theirs", "object": "chat.completion", "model": "x", "choices": choices, "usage": USAGE}


KINDS = {"moderation": moderation, "presidio": presidio, "webhook": webhook, "judge": judge}


class ScriptedGuard:
    """A script for `tests.hostile.scripted.Upstream`; keeps what it was asked."""

    def __init__(self, kind, mode="ok"):
        self.say, self.mode = KINDS[kind], mode
        self.heads, self.bodies = [], []
        self.came = asyncio.Event()

    async def __call__(self, talk):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await talk.head()
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await talk.read(int(length))
                self.heads.append(head)
                self.bodies.append(body)
                self.came.set()
                if self.mode == "slow":
                    await talk.read_to_end()
                    return
                good = answer(json.dumps(self.say(json.loads(body))).encode())
                await talk.say(MODES.get(self.mode, good))
