"""What the tests of the llm gate have in common: a configuration, calls, and answers of a provider."""

import json

from tests.gates.built import answer

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
REPLY = json.dumps(
    {"object": "chat.completion", "model": "m", "choices": [{"index": 0, "finish_reason": "stop"}], "usage": USAGE}
).encode()
OK = answer(REPLY)
EMBEDDED = answer(json.dumps({"data": [], "usage": {"prompt_tokens": 7, "total_tokens": 7}}).encode())


def failed(status, *fields):
    return answer(b'{"error":{"message":"scripted"}}', *fields, status=status)


def event(**more):
    return b"data: " + json.dumps(more).encode() + b"\n\n"


WORD = event(choices=[{"index": 0, "delta": {"content": "word"}}])
STOP = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
COUNT = event(choices=[], usage=USAGE)
DONE = b"data: [DONE]\n\n"


def stream(*events):
    return answer(b"".join(events), kind=b"text/event-stream")


def chat(model="m", **more):
    return json.dumps({"model": model, "messages": [], **more}).encode()


def configuration(providers, models, llm="policies: [{use: key_auth}]"):
    """YAML for these providers (name → URL) and models (as written)."""
    lines = [
        f'  {name}: {{base_url: "{url}/v1", auth: null, models: {{x: {{input: 1, output: 2}}}}}}'
        for name, url in providers.items()
    ]
    named = [f"  {name}: {written}" for name, written in models.items()]
    return "\n".join(["providers:", *lines, "models:", *named, f"llm: {{{llm}}}", ""])


def one(url, more=""):
    """A configuration of the one model `m`."""
    return configuration({"p": url}, {"m": f"{{deployments: [{{provider: p, model: x}}]{more}}}"})
