"""Before a subject is measured it shows that it does the work it claims: key, limit, log line, right answers."""

import http.client
import time
from pathlib import Path

from benchmarks.running import NotUp, Running
from benchmarks.subjects import LOW, Subject


def prove(running: Running) -> dict[str, bool]:
    """What `running` was seen to do. Raises NotUp where it claims more than it does, or answers wrongly."""
    subject = running.subject
    for name in subject.works:
        status, body = _patient(running, name)
        if status != 200 or not running.good(name, body):
            raise NotUp(f"{name}: {status} {body[:200]!r}")
    work = _proof_work(subject)
    seen = {"answers": True}
    if "key" in subject.claims:
        seen["key"] = running.try_call(work, [])[0] in {401, 403}
    if "guard" in subject.claims:  # LiteLLM without a database refuses a call without key by 500, not 401
        seen["guard"] = running.try_call(work, [])[0] >= 400
    if "log" in subject.claims:
        seen["log"] = _logs(running, work)
    if "limit" in subject.claims:
        seen["limit"] = _limits(running, work)
    lacking = [claim for claim, shown in seen.items() if not shown]
    if lacking:
        raise NotUp(f"not proved: {', '.join(lacking)}")
    return seen


def _proof_work(subject: Subject) -> str:
    """LLM gateways prove themselves on chat: some leave their pass-through routes open."""
    return "chat" if "chat" in subject.works else subject.works[0]


def _patient(running: Running, name: str) -> tuple[int, bytes]:
    for _ in range(3):
        try:
            return running.try_call(name)
        except (OSError, http.client.HTTPException):
            time.sleep(0.5)
    return 0, b"no answer"


def _logs(running: Running, work: str) -> bool:
    path = Path(running.place.directory, running.subject.log)
    before = path.stat().st_size if path.exists() else 0
    running.try_call(work)
    until = time.monotonic() + 15  # Envoy flushes its log every 10 s
    while time.monotonic() < until:
        if path.exists() and path.stat().st_size > before:
            return True
        time.sleep(0.1)
    return False


def _limits(running: Running, work: str) -> bool:
    """A second start with a low limit answers 429 within a few calls more."""
    low = Running(running.subject, running.place.upstream, LOW, running.place.redis)
    try:
        return any(low.try_call(work)[0] == 429 for _ in range(LOW * 4))
    finally:
        low.stop()
