"""Replay a stream of questions through a running gateway's semantic cache; the last line printed is one JSON object.

    python -m benchmarks.semantic_cache --stream FILE.jsonl --delta 0.02

A scripted provider answers each class in varied words, and now and then (3 %) with another class's answer. The gateway
sees questions and answers only. A hit is wrong when its answer was given for another class than the question's.
`exact_ms_p50` is of equal questions, asked again at the end; `loop_lag_ms_p99` and `loop_lag_ms_p999` are the bounds
below which the gateway's event loop kept so many of its timers from the moment on at which it was ready.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import statistics
import sys
import threading
from pathlib import Path

import numpy as np

from benchmarks.running import RUN, Process, await_ready, free_port
from benchmarks.scripted_answers import Answers
from benchmarks.semantic_baselines import STATIC, static, vcache

NOISE = 0.03
_AGAIN = 200
_LAG = "triplegate_loop_lag_seconds_bucket"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
CONFIG = """
providers:
  scripted: {{base_url: "http://127.0.0.1:{provider}/v1", auth: null, models: {{x: {{input: 1, output: 2}}}}}}
models:
  m:
    deployments: [{{provider: scripted, model: x}}]
    policies: [{{use: semantic_cache, scope: consumer, ttl: 1d, wrong: {delta}, embedder: onnx, model: "{model}"}}]
llm: {{identity: none, owner: bench/bench, policies: []}}
orgs: {{bench: {{teams: {{bench: {{}}}}}}}}
"""


class Provider:
    """Answers every chat with the class that was set last."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.wanted, self.port = answers, "", free_port()
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        started.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
                message = {"role": "assistant", "content": self.answers.say(self.wanted)}
                usage = {"prompt_tokens": 20, "completion_tokens": 60, "total_tokens": 80}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                told = {"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}
                body = json.dumps(told).encode()
                writer.write(_HEAD % len(body) + body)
        writer.close()


class Replay:
    """One stream, question by question."""

    def __init__(self, port: int, provider: Provider) -> None:
        self._client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._provider = provider
        self.hits = self.wrong = 0
        self.missed: list[tuple[str, str]] = []
        self.exact_ms: list[float] = []
        self.hit_ms: list[float] = []
        self.miss_ms: list[float] = []

    def ask(self, prompt: str, wanted: str) -> bool:
        """Whether it was answered from the cache."""
        self._provider.wanted = wanted
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]})
        self._client.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        response = self._client.getresponse()
        told = json.loads(response.read())
        if response.status != 200:
            raise SystemExit(f"the gateway answered {response.status}: {told}")
        spent = float(response.headers["x-triplegate-overhead-ms"])
        if not (response.headers["x-triplegate-cache"] or "").startswith("hit"):
            self.miss_ms.append(spent)
            self.missed.append((prompt, wanted))
            return False
        self.hits += 1
        self.hit_ms.append(spent)
        self.wrong += self._provider.answers.of[told["choices"][0]["message"]["content"]] != wanted
        return True

    def ask_again(self, provider: Provider) -> None:
        """The questions that were asked last, once more: equal ones are answered without any model."""
        again = Replay(self._client.port, provider)
        for _ in range(2):
            for prompt, wanted in self.missed[-_AGAIN:]:
                again.ask(prompt, wanted)
        self.exact_ms = again.hit_ms


def upper(wrong: int, of: int, z: float = 1.96) -> float:
    """Wilson's upper bound, 95 %."""
    if not of:
        return 1.0
    p = wrong / of
    return (p + z * z / (2 * of) + z * (p * (1 - p) / of + z * z / (4 * of * of)) ** 0.5) / (1 + z * z / of)


def lags(port: int) -> dict[float, int]:
    """How many timers of the gateway's loop were at most so many seconds late."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    client.request("GET", "/metrics")
    lines = [line for line in client.getresponse().read().decode().splitlines() if line.startswith(_LAG)]
    return {float(line.partition('le="')[2].partition('"')[0]): int(float(line.split()[-1])) for line in lines}


def latest(before: dict[float, int], after: dict[float, int], share: float) -> float:
    """The bound of milliseconds that so large a share of the timers between the two kept."""
    count = max(after.values()) - max(before.values())
    kept = [bound for bound in sorted(after) if after[bound] - before[bound] >= share * count]
    return 1000 * kept[0]


def median(values: list[float]) -> float:
    """Rounded; 0 where there are none."""
    return round(statistics.median(values), 3) if values else 0.0


def exported() -> Path:
    """The int8 model, exported once."""
    from triplegate.stores.semantic.exporting import export
    from triplegate.stores.semantic.models import EXPORTED

    folder = RUN / "embed"
    if not all((folder / name).is_file() for name in EXPORTED):
        export(folder)
    return folder.absolute()


def ready(port: int) -> bool:
    """Whether the gateway answers."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    client.request("GET", "/v1/models")
    return client.getresponse().status == 200


def main(arguments: list[str]) -> None:
    """Run one stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stream", type=Path, required=True)
    parser.add_argument("--delta", type=float, default=0.02)
    parser.add_argument("--most", type=int, default=0, help="questions to replay; all by default")
    asked = parser.parse_args(arguments)
    lines = [json.loads(line) for line in asked.stream.read_text().splitlines() if line.strip()]
    lines = lines[: asked.most or None]
    prompts, classes = [line["prompt"] for line in lines], [str(line["answer_id"]) for line in lines]
    model = exported()
    provider = Provider(Answers(sorted(set(classes)), NOISE))
    directory = RUN / "semantic_cache"
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.rglob("*"):
        if old.is_file():
            old.unlink()
    port, admin = free_port(), free_port()
    text = CONFIG.format(provider=provider.port, delta=asked.delta, model=model)
    (directory / "triplegate.yaml").write_text(text)
    command = [sys.executable, "-m", "triplegate", "serve", "--config", str(directory)]
    process = Process(
        command, "0,1", directory / "output.log", {"TRIPLEGATE_PORT": str(port), "TRIPLEGATE_ADMIN_PORT": str(admin)}
    )
    try:
        await_ready(lambda: ready(port), process, 60)
        before, replay = lags(admin), Replay(port, provider)
        for prompt, wanted in zip(prompts, classes, strict=True):
            replay.ask(prompt, wanted)
        after = lags(admin)
        lag = {f"loop_lag_ms_p{name}": latest(before, after, int(name) / 10 ** len(name)) for name in ("99", "999")}
        replay.ask_again(provider)
    finally:
        process.stop()
    print(json.dumps({**told(replay, prompts, classes, model, asked.delta), **lag}))


def told(replay: Replay, prompts: list[str], classes: list[str], model: Path, delta: float) -> dict[str, object]:
    """The result, with the baselines on the same questions."""
    from triplegate.stores.semantic.models import Onnx

    embedder = Onnx(model)
    vectors = np.concatenate([embedder.encode(prompts[at : at + 64]) for at in range(0, len(prompts), 64)])
    count = len(prompts)
    return {
        "queries": count,
        "hits": replay.hits,
        "wrong": replay.wrong,
        "hit_rate": round(replay.hits / count, 4),
        "wrong_of_hits": round(replay.wrong / replay.hits, 4) if replay.hits else 0.0,
        "wrong_of_hits_hi": round(upper(replay.wrong, replay.hits), 4),
        "wrong_of_all": round(replay.wrong / count, 4),
        "hit_ms_p50": median(replay.hit_ms),
        "miss_ms_p50": median(replay.miss_ms),
        "exact_ms_p50": median(replay.exact_ms),
        "static": {one: static(vectors, classes, float(one), NOISE) for one in STATIC},
        "vcache": vcache(vectors, classes, delta, NOISE),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
