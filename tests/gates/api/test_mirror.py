"""Copies go out beside the call: the client never waits for them, and what has no room is dropped and counted."""

import asyncio
import contextlib

import pytest
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.core.http import Body, BytesBody
from triplegate.gates.api.mirror import copies_of

OK = answer(b"ok")


def text(main, *mirrors, more="", extra=""):
    services = "".join(f'  m{n}: {{endpoints: ["{url}"]}}\n' for n, url in enumerate(mirrors))
    policies = "".join(f", {{use: mirror, service: m{n}, unsafe: true{more}}}" for n in range(len(mirrors)))
    return f"""services:
  s: {{endpoints: ["{main}"]}}
{services}routes: {{r: {{service: s, match: {{path: /r}}, policies: [{{use: key_auth}}{policies}{extra}]}}}}
"""


def counts(made, number=1):
    suffix = "" if number == 1 else f"#{number}"
    return copies_of(made.kit, f"route:r/mirror{suffix}").counts


async def until(true):
    async with asyncio.timeout(4):
        while not true():
            await asyncio.sleep(0.005)


async def test_each_mirror_gets_the_call_as_it_goes_out_marked_and_without_credentials(tmp_path):
    rewritten = ", {use: rewrite, prefix: /v1}, {use: request_headers, set: {x-a: b}}"
    async with Upstream(always(OK)) as main, Upstream(always(OK)) as one, Upstream(always(OK)) as two:
        async with built(tmp_path, text(main.url, one.url, two.url, extra=rewritten)) as made:
            sent = [(b"cookie", b"sid=1"), (b"x-api-key", b"theirs"), (b"x-b", b"c")]
            _, wire = await made.serve("POST", "/r/x", headers=sent, body=b"content")
            assert (wire.status, wire.content) == (200, b"ok")
            await until(lambda: counts(made)["sent"] == counts(made, 2)["sent"] == 1)
        for mirror in (one, two):
            received = mirror.talks[0].received
            assert received.startswith(b"POST /v1/x HTTP/1.1\r\n")
            assert received.endswith(b"\r\n\r\ncontent")
            assert b"\r\nx-triplegate-mirror: 1\r\n" in received
            assert b"\r\nx-a: b\r\n" in received
            assert b"\r\nx-b: c\r\n" in received
            assert b"sid=1" not in received
            assert b"theirs" not in received
            assert b"authorization" not in received.lower()
        assert b"x-triplegate-mirror" not in main.talks[0].received


async def test_credentials_go_with_a_copy_when_that_is_said(tmp_path):
    async with Upstream(always(OK)) as main, Upstream(always(OK)) as mirror:
        async with built(tmp_path, text(main.url, mirror.url, more=", credentials: true")) as made:
            await made.serve("GET", "/r", headers=[(b"cookie", b"sid=1")])
            await until(lambda: counts(made)["sent"] == 1)
        received = mirror.talks[0].received
    assert b"sid=1" in received
    assert b"tg_test_" not in received  # the gateway's own key is nobody's


async def test_a_mirror_that_hangs_delays_nobody_and_what_has_no_room_is_dropped(tmp_path):
    async def hang(talk):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await talk.head()
            await asyncio.sleep(60)

    bounds = ", concurrency: 2, queue: 3, timeout: 900ms"
    async with (
        Upstream(always(OK)) as main,
        Upstream(hang) as mirror,
        built(tmp_path, text(main.url, mirror.url, more=bounds)) as made,
    ):
        for _ in range(9):
            assert (await made.serve("GET", "/r"))[1].status == 200
        assert counts(made)["dropped"] == 4
        await until(lambda: counts(made)["failed"] == 5)
        state = copies_of(made.kit, "route:r/mirror")
        await until(lambda: state.running == 0)


async def test_an_upstream_that_is_away_is_counted(tmp_path):
    async with Upstream(always(OK)) as main, built(tmp_path, text(main.url, "http://127.0.0.1:1")) as made:
        assert (await made.serve("GET", "/r"))[1].status == 200
        await until(lambda: counts(made)["failed"] == 1)


class Pieces(Body):
    """A body that comes once."""

    def __init__(self, content, length):
        self.kind, self.length, self.started, self.content = "one_pass", length, False, content

    async def chunks(self):
        self.started = True
        yield self.content

    async def whole(self, limit):
        self.started = True
        self.kind = "replayable"
        return self.content


@pytest.mark.parametrize(
    ("body", "headers", "outcome"),
    [
        (Pieces(b"x" * 100, 100), [], "sent"),
        (Pieces(b"x" * 100, None), [], "unfit"),
        (Pieces(b"x" * 65537, 65537), [], "unfit"),
        (Pieces(b"x" * 100, 100), [(b"expect", b"100-continue")], "unfit"),
        (BytesBody(b"x"), [], "sent"),
    ],
)
async def test_only_small_bodies_of_known_length_are_copied(tmp_path, monkeypatch, body, headers, outcome):
    monkeypatch.setattr("tests.builders.BytesBody", lambda content: body)
    async with (
        Upstream(always(OK)) as main,
        Upstream(always(OK)) as mirror,
        built(tmp_path, text(main.url, mirror.url)) as made,
    ):
        exchange, reply = await made.answer("PUT", "/r", headers=headers)
        assert reply.status == 200
        await until(lambda: counts(made)[outcome] == 1)
        reply.frames.close()
        exchange.close("ok")
        assert sum(counts(made).values()) == 1


async def test_counts_outlive_reloads(tmp_path):
    async with Upstream(always(OK)) as main, Upstream(always(OK)) as mirror:
        written = text(main.url, mirror.url)
        async with built(tmp_path, written) as made:
            for number in range(4):
                await made.serve("GET", "/r")
                await until(lambda: counts(made)["sent"] == number + 1)  # noqa: B023 - awaited at once
                made.take(written.replace("path: /r", f"path: /r, name: n{number}"))
