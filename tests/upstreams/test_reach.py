"""Documents that name the same address share its pool; another identity never does."""

from pathlib import Path

import pytest
from tests.builders import DictSecrets, make_kit
from tests.hostile.scripted import Upstream, ask, content, says
from tests.upstreams.test_tls import Authority

from triplegate.config.documents_base import Connections, Timeouts, Tls
from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.upstreams.reach import reach
from triplegate.upstreams.supervisor import TaskSupervisor


@pytest.fixture
def kit(tmp_path):
    secrets = DictSecrets({f"file:{tmp_path}/client.pem": "key"})
    return make_kit(supervisor=TaskSupervisor(), secrets=secrets)


def test_one_pool_per_origin_whatever_the_path(kit):
    first = reach("http://127.0.0.1:9/a/", None, Connections(), kit)
    second = reach("http://127.0.0.1:9/b", None, Connections(max=7), kit)
    assert first.pool is second.pool
    assert (first.base, second.base) == (b"/a", b"/b")
    assert second.limits.connections == 7
    assert reach("http://127.0.0.1:9", None, Connections(), kit, credential="other").pool is not first.pool


def test_the_documents_times_and_bounds_go_with_each_call(kit):
    written = Connections(max=3, queue=2, queue_timeout=0.5, idle=7, max_requests=100, max_age=60)
    reached = reach("http://127.0.0.1:9", None, written, kit)
    dispatch = reached.dispatch(Timeouts(connect=0.1, first_byte=0.2, idle=0.3, total=0.4))
    assert (dispatch.connect, dispatch.first_byte, dispatch.idle, dispatch.total) == (0.1, 0.2, 0.3, 0.4)
    limits = dispatch.tuned["pool"]
    assert (limits.connections, limits.waiting, limits.wait) == (3, 2, 0.5)
    assert (limits.idle, limits.requests, limits.age) == (7, 100, 60)


async def test_what_is_reached_answers(kit):
    async with Upstream(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as upstream:
        reached = reach(upstream.url, None, Connections(), kit)
        assert await content(await ask(reached.pool, dispatch=reached.dispatch(None))) == b"ok"
        reached.pool.close()


def test_two_client_certificates_are_two_pools(kit, tmp_path):
    authority = Authority(tmp_path, "authority")
    client = authority.sign("client", "client.test")
    key = f"file:{tmp_path}/client.pem"
    plain = reach("https://a.test", Tls(ca=authority.path), Connections(), kit)
    shown = reach("https://a.test", Tls(ca=authority.path, certificate=client, key=key), Connections(), kit)
    named = reach("https://a.test", Tls(ca=authority.path, server_name="b.test"), Connections(), kit)
    assert len({id(one.pool) for one in (plain, shown, named)}) == 3
    assert reach("https://a.test", Tls(ca=authority.path), Connections(), kit).pool is plain.pool


@pytest.mark.parametrize("url", ["ftp://a.test", "https://a.test?x"])
def test_an_unusable_address_says_so(kit, url):
    with pytest.raises(ValueError):
        reach(url, None, Connections(), kit)


@pytest.mark.parametrize(
    "tls",
    [
        Tls(ca="/nowhere.pem"),
        Tls(certificate="/nowhere.pem", key="file:/nowhere.pem"),
    ],
)
async def test_missing_certificates_refuse_the_calls_not_the_configuration(kit, tls):
    reached = reach("https://a.test", tls, Connections(), kit)
    assert kit.faults[0].startswith("https://a.test: ")
    with pytest.raises(Refusal) as caught:
        await ask(reached.pool)
    assert caught.value.code == "no_backend"
    with pytest.raises(Refusal) as caught:  # never in plain text instead
        await reached.pool.upgrade(b"/", [(b"host", b"a.test")], Dispatch(connect=0.1))
    assert caught.value.code == "no_backend"
    assert "nowhere.pem" in reached.pool.failing


def test_relative_files_start_at_the_configuration(kit, tmp_path):
    authority = Authority(tmp_path, "authority")
    kit.base = str(tmp_path)
    reach("https://a.test", Tls(ca=Path(authority.path).name), Connections(), kit)
    assert kit.faults == []
