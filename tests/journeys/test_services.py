"""A service of several endpoints, over real sockets: shares, ties, ejection and return, as its clients see them."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.journeys.backends import SecureBackend, backends
from tests.journeys.running import House, eventually, write
from tests.upstreams.test_tls import Authority

CONFIGURATION = """
services:
  turns:
    endpoints: [{a}, {{url: {b}, weight: 2}}, {{url: {c}, weight: 3}}]
  least: {{endpoints: [{a}, {b}], balance: least_request}}
  fast: {{endpoints: [{a}, {b}], balance: latency}}
  tied: {{endpoints: [{a}, {b}, {c}, {d}], hash: {{header: x-user}}}}
  sticky: {{endpoints: [{a}, {b}, {c}, {d}], hash: {{cookie: seat, ttl: 1h}}}}
  four:
    endpoints: [{a}, {b}, {c}, {d}]
    outlier: {{consecutive: 3, eject_for: 400ms, max_ejected: 50}}
  asked:
    endpoints: [{a}, {b}, {c}, {d}]
    health: {{path: /healthz, interval: 150ms, timeout: 1s, unhealthy: 2, healthy: 2}}
  safe:
    endpoints: ["{safe}"]
    tls: {{ca: authority.pem, certificate: client.pem, key: "file:client.pem", san: ["uri:spiffe://shop/orders"]}}
  unsafe: {{endpoints: ["{safe}"], tls: {{ca: authority.pem, san: ["uri:spiffe://shop/others"]}}}}
routes:
  safe: {{service: safe, match: {{path: /safe}}, identity: none, owner: web}}
  unsafe: {{service: unsafe, match: {{path: /unsafe}}, identity: none, owner: web}}
  asked: {{service: asked, match: {{path: /asked}}, identity: none, owner: web}}
  turns: {{service: turns, match: {{path: /turns}}, identity: none, owner: web}}
  least: {{service: least, match: {{path: /least}}, identity: none, owner: web}}
  fast: {{service: fast, match: {{path: /fast}}, identity: none, owner: web}}
  tied: {{service: tied, match: {{path: /tied}}, identity: none, owner: web}}
  sticky: {{service: sticky, match: {{path: /sticky}}, identity: none, owner: web}}
  four: {{service: four, match: {{path: /four}}, identity: none, owner: web}}
orgs: {{acme: {{teams: {{web: {{}}}}}}}}
"""


class Services:
    """The gateway and the backends behind it."""

    def __init__(self, house, behind, urls):
        self.house, self.behind, self.urls = house, behind, urls
        self.client = httpx.Client(base_url=house.url, timeout=10, trust_env=False)

    def who(self, path, **more):
        """Which backend answered."""
        return self.client.get(path, **more).text

    def reload(self):
        """The same with one more route: a new snapshot."""
        more = f"  more{time.monotonic_ns()}: {{{{service: four, match: {{{{path: /more}}}}, identity: none}}}}\n"
        text = CONFIGURATION.replace("orgs:", more + "orgs:")
        write(self.house.directory, text.format(**self.urls))
        assert self.house.admin("POST", "/config/reload").status_code < 300

    def counted(self, path, count):
        return Counter(self.who(path) for _ in range(count))


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    folder = tmp_path_factory.mktemp("services")
    authority = Authority(folder, "authority")
    Path(authority.sign("first", "client.test")).rename(folder / "client.pem")
    server = SecureBackend("safe", authority.sign("server", "spiffe://shop/orders"), authority.path).start()
    with backends("abcd") as behind:
        urls = {"safe": server.url, **{name: one.url for name, one in behind.items()}}
        write(folder, CONFIGURATION.format(**urls))
        with House(folder) as house:
            made = Services(house, behind, urls)
            made.server, made.authority = server, authority
            yield made
            made.client.close()
    server.kill()


@pytest.fixture(autouse=True)
def well(services):
    """Every backend as it was."""
    for one in services.behind.values():
        one.status, one.delay = 200, 0.0


def test_shares_follow_the_weights(services):
    assert services.counted("/turns", 60) == {"a": 10, "b": 20, "c": 30}


def test_a_busy_endpoint_gets_less(services):
    services.behind["a"].delay = 3.0  # longer than all that follows takes, on a busy machine too
    ends, threads = [services.behind[name] for name in "ab"], []
    before, others = ends[0].calls, sum(end.calls for end in ends)
    while ends[0].calls == before:  # until one is kept waiting; none of the rest takes a place in the other
        assert len(threads) < 40
        threads.append(threading.Thread(target=lambda: httpx.get(services.house.url + "/least")))
        threads[-1].start()
        eventually(lambda: sum(end.calls for end in ends) == others + len(threads))
    assert services.counted("/least", 8)["b"] >= 7
    for thread in threads:
        thread.join()


def test_a_slow_endpoint_gets_less(services):
    services.behind["a"].delay = 0.5
    assert services.counted("/fast", 20)["b"] >= 15


def test_a_user_stays_with_one_endpoint_and_all_are_used(services):
    homes = {user: {services.who("/tied", headers={"x-user": user}) for _ in range(3)} for user in map(str, range(40))}
    assert all(len(home) == 1 for home in homes.values())
    assert set.union(*homes.values()) == set("abcd")
    assert set(services.counted("/tied", 8)) == set("abcd")  # without one they take turns


def test_a_cookie_is_given_and_ties(services):
    with httpx.Client(base_url=services.house.url, trust_env=False) as first:
        answer = first.get("/sticky")
        assert answer.headers["set-cookie"].startswith("seat=")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert {first.get("/sticky").text for _ in range(6)} == {answer.text}
        assert "set-cookie" not in first.get("/sticky").headers
    fresh = [httpx.get(services.house.url + "/sticky", trust_env=False) for _ in range(30)]
    assert len({one.text for one in fresh}) > 1


def endpoint(services, service, name):
    """One endpoint as the admin API shows it."""
    url = services.behind[name].url
    told = services.house.admin("GET", "/endpoints").json()
    return next(one for one in told if (one["service"], one["address"]) == (service, url))


def hammered(services, path, until, within=10.0):
    """Calls from eight threads until `until()`; their statuses and how long it took."""
    seen, begun = Counter(), time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        while not until():
            assert time.monotonic() - begun < within
            seen.update(pool.map(lambda _: services.client.get(path).status_code, range(40)))
    return seen, time.monotonic() - begun


def test_f3_one_of_four_is_killed_nobody_sees_it_and_it_comes_back(services):
    victim = services.behind["b"]
    assert set(services.counted("/four", 8)) == set("abcd")
    victim.kill()
    try:
        told = set()

        def left_alone():
            shown = endpoint(services, "four", "b")
            told.add(shown["reason"])
            return shown["ejections"]

        seen, took = hammered(services, "/four", left_alone)
        assert set(seen) == {200}
        assert all("failures in a row" in reason for reason in told if reason)  # none where it was let in again already
        assert took < 5  # < 1 s where nothing else runs
        shown = services.house.metrics()
        labels = f'{{triplegate_service="four",triplegate_endpoint="{victim.url}"}}'
        assert shown[f"triplegate_endpoint_ejections_total{labels}"] >= 1
    finally:
        victim.start()
    eventually(lambda: services.who("/four") == "b")
    assert endpoint(services, "four", "b")["state"] == "up"


def test_no_more_than_the_share_are_left_alone(services):
    for name in "abc":
        services.behind[name].status = 503
    hammered(services, "/four", lambda: sum(endpoint(services, "four", name)["ejections"] > 0 for name in "abc") >= 2)
    told = [endpoint(services, "four", name)["state"] for name in "abcd"]
    assert told.count("ejected") <= 2
    for name in "abc":
        services.behind[name].status = 200
    eventually(lambda: set(services.counted("/four", 8)) == set("abcd"))


def test_f3_an_endpoint_that_does_not_answer_its_checks_gets_no_calls(services):
    victim = services.behind["c"]
    eventually(lambda: endpoint(services, "asked", "c")["state"] == "up")
    victim.kill()
    try:
        eventually(lambda: endpoint(services, "asked", "c")["state"] == "down")
        assert set(services.counted("/asked", 12)) == set("abd")
    finally:
        victim.start()
    eventually(lambda: endpoint(services, "asked", "c")["state"] == "up")
    assert set(services.counted("/asked", 8)) == set("abcd")


def test_what_is_known_of_endpoints_outlives_a_reload(services):
    victim = services.behind["d"]
    victim.kill()
    try:
        eventually(lambda: endpoint(services, "asked", "d")["state"] == "down")
        before = endpoint(services, "asked", "a")["calls"]
        services.reload()
        assert endpoint(services, "asked", "d")["state"] == "down"
        assert endpoint(services, "asked", "a")["calls"] == before
    finally:
        victim.start()
    eventually(lambda: endpoint(services, "asked", "d")["state"] == "up")


def test_the_page_shows_the_endpoints(services):
    answer = httpx.get(
        services.house.admin_url, headers={"authorization": f"Bearer {services.house.owner}"}, trust_env=False
    )
    assert f'data-endpoint="four {services.behind["a"].url}"' in answer.text


def test_f13_another_certificate_is_shown_without_a_restart_and_a_bad_one_is_not_taken(services):
    assert services.who("/safe") == "safe"
    assert services.server.peers[-1] == "first"
    path = services.house.directory / "client.pem"
    good = path.read_text()
    path.write_text(good[: len(good) // 2])
    eventually(lambda: "certificates" in services.house.admin("GET", "/status").text)
    assert services.who("/safe") == "safe"
    Path(services.authority.sign("second", "client.test")).replace(path)
    eventually(lambda: services.who("/safe") == "safe" and services.server.peers[-1] == "second")
    assert "certificates" not in services.house.admin("GET", "/status").text


def test_a_server_that_is_not_the_one_that_is_wanted_gets_nothing(services):
    before = services.server.calls
    assert services.client.get("/unsafe").status_code == 502
    assert services.server.calls == before
