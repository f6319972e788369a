"""A running gateway between a raw client and two recording services, one open and one guarded."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.raw import Answer, Recorder, Seen, Wire, get
from tests.journeys.running import House, write

CONFIGURATION = """
limits: {{body: 200000, {limits}}}
services:
  guarded: {{endpoints: ["http://127.0.0.1:{guarded}"]}}
  opened: {{endpoints: ["http://127.0.0.1:{opened}"]}}
routes:
  admin: {{service: guarded, match: {{path: /admin}}, owner: web, policies: [{{use: key_auth}}]}}
  limited:
    service: guarded
    match: {{path: /limited}}
    owner: web
    policies: [{{use: key_auth}}, {{use: rate_limit, requests: 1, window: 1h}}]
  public: {{service: opened, match: {{path: /public}}, identity: none, owner: web, records: each}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""


class Attacked:
    """A running gateway with an open service behind /public and a guarded one behind /admin and /limited."""

    def __init__(self, house: House, guarded: Recorder, opened: Recorder) -> None:
        self.house, self.guarded, self.opened = house, guarded, opened
        self.port = house.port
        self._key = ""

    @property
    def key(self) -> str:
        """A virtual key, made when first asked for."""
        self._key = self._key or self.house.key()
        return self._key

    def forget(self) -> None:
        """What came before is not this test's."""
        for upstream in (self.guarded, self.opened):
            upstream.wait(lambda upstream=upstream: upstream.begun == upstream.ended)
            upstream.take()
            upstream.strange.clear()

    def untouched(self) -> bool:
        """Whether neither service was sent anything since `forget`."""
        return not (self.guarded.seen or self.opened.seen or self.guarded.strange or self.opened.strange)

    def refuses(self, request: bytes, *statuses: int) -> Answer | None:
        """The request is refused, the connection closed, no service touched; the answer, if there was one."""
        self.forget()
        begun = self.guarded.begun + self.opened.begun
        with Wire(self.port) as wire:
            answer = wire.send(request).answer()
            assert answer is None or answer.status in (statuses or (400,)), answer
            assert answer is None or answer.complete
            assert wire.closed(), wire.rest
        assert self.untouched(), (self.guarded.seen, self.opened.seen)
        assert begun == self.guarded.begun + self.opened.begun
        return answer

    def passes(self, request: bytes) -> Seen:
        """The request is answered 200, sent on as exactly one request, and the connection is in step after it."""
        self.forget()
        with Wire(self.port) as wire:
            answer = wire.send(request).answer()
            assert answer is not None
            assert answer.status == 200, answer
            after = wire.send(get("/public/after")).answer()
            assert after is not None
            assert after.status == 200, after
        assert not self.guarded.seen
        assert not self.opened.strange
        first, second = (seen for seen in self.opened.take() if seen.complete)  # what broke before may come late
        assert (second.target, second.body) == ("/public/after", b"")
        return first


@contextlib.contextmanager
def attacked(folder: Path, limits: str = "body_idle: 1s", **environment: str) -> Iterator[Attacked]:
    """Start one."""
    guarded, opened = Recorder(), Recorder()
    write(folder, CONFIGURATION.format(guarded=guarded.port, opened=opened.port, limits=limits))
    try:
        with House(folder, **environment) as house:
            yield Attacked(house, guarded, opened)
    finally:
        guarded.close()
        opened.close()
