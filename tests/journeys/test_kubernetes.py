"""Gateway API manifests behind the real gateway: from a client's socket to a backend, over changes of the files."""

import http.server
import json
import socket
import threading

import httpx
import pytest
from tests.certificates import Authority
from tests.gateway_api.manifests import (
    gateway,
    grant,
    listener,
    ref,
    route,
    rule_to,
    secret,
    service,
    slice_of,
    write_all,
)
from tests.journeys.running import House, eventually, free_port

NATIVE = """
listeners: {data: {serves: [80]}}
services: {own: {endpoints: ["http://127.0.0.1:%d"]}}
routes: {own: {service: own, match: {path: /native}, identity: none, owner: web}}
orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}
"""


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        said = json.dumps({"backend": self.server.server_port, "path": self.path, "headers": dict(self.headers)})
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="module")
def backends():
    """Ports of two APIs that answer what they got."""
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), _Echo) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [server.server_port for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


def objects(one, other):
    """A gateway of two listeners, a route for each, and a backend of another namespace."""
    web = gateway(listener("any"), listener("shop", hosts="*.shop.test"))
    leads = rule_to("a", path="/orders", filters=[
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2"}}}
    ])  # fmt: skip
    afar = rule_to(ref("b", namespace="far"), path="/far")
    orders = route("orders", leads, afar, hosts=["api.shop.test"])
    backends = [service("a"), slice_of("a", one), service("b", namespace="far"), slice_of("b", other, namespace="far")]
    return [web, orders, *backends]


def test_manifests_serve_are_explained_and_follow_their_files(tmp_path, backends):
    one, other = backends
    leave = grant("HTTPRoute", "shop", ("Service", "b"), namespace="far")
    write_all(tmp_path, *objects(one, other), leave, native=NATIVE % one)
    with House(tmp_path) as house, httpx.Client(base_url=house.url, timeout=10) as client:

        def ask(path, host="api.shop.test"):
            return client.get(path, headers={"host": host})

        found = ask("/orders/7?x=1")
        assert found.status_code == 200
        said = found.json()
        assert (said["backend"], said["path"]) == (one, "/v2/7?x=1")
        assert said["headers"]["host"] == "api.shop.test"
        assert ask("/far").json()["backend"] == other
        # the listener for *.shop.test owns its hosts, the other one everything else; native routes stay
        assert [ask("/orders", host).status_code for host in ("b.shop.test", "x.test")] == [404, 404]
        assert ask("/native", "any.test").json()["backend"] == one

        assert any('route="shop.orders.0"' in name for name in house.metrics())

        # without its grant the backend of the other namespace is refused, and nothing else changes
        write_all(tmp_path, *objects(one, other), native=NATIVE % one)
        eventually(lambda: ask("/far").status_code == 500, 20)
        assert ask("/orders/7").status_code == 200

        # an object that cannot be read takes nothing else down
        broken = {**leave, "spec": {"from": "everywhere"}}
        odd = route("odd", rule_to("a", path="/a//b"))
        added = route("added", rule_to("a", path="/added"), hosts=["added.test"])
        write_all(tmp_path, *objects(one, other), broken, odd, added, native=NATIVE % one)
        eventually(lambda: ask("/added", "added.test").status_code == 200, 20)
        assert ask("/far").status_code == 500
        assert ask("/native", "any.test").status_code == 200


SECURE = """
listeners:
  data: {serves: [80]}
  secure: {port: %d, serves: [443], tls: {certificates: {certificate: own.pem, key: "file:own.key"}}}
orgs: {acme: {teams: {web: {}}}}
"""


def test_a_certificate_of_a_secret_is_shown_and_renewed_with_its_manifest(tmp_path, backends):
    port = free_port()
    authority = Authority(tmp_path)
    authority.sign("own", "own.test")
    backend = service("a"), slice_of("a", backends[0])
    refs = {"certificateRefs": [{"name": "tls"}]}
    web = gateway(*(listener(one, 443, "HTTPS", hosts=f"{one}.test", tls=refs) for one in "ab"))

    def put(pair):
        chain, key = pair.certificate.read_text(), pair.key.read_text()
        write_all(tmp_path, web, route("r"), secret("tls", chain, key), *backend, native=SECURE % port)

    def serial():
        plain = socket.create_connection(("127.0.0.1", port), 5)
        with authority.client().wrap_socket(plain, server_hostname="a.test") as secure:
            return int(secure.getpeercert()["serialNumber"], 16)

    first, second = (authority.sign(name, "a.test", "b.test") for name in ("first", "second"))
    put(first)
    with House(tmp_path):
        assert serial() == first.serial
        with httpx.Client(verify=authority.client(), timeout=10) as client:
            more = {"headers": {"host": "a.test"}, "extensions": {"sni_hostname": "a.test"}}
            found = client.get(f"https://127.0.0.1:{port}/x", **more)
            assert (found.status_code, found.json()["backend"]) == (200, backends[0])
            # one certificate is good for both, and still the connection leads to one listener
            for host, status in (("b.test", 421), ("c.test", 404)):
                found = client.get(f"https://127.0.0.1:{port}/x", **{**more, "headers": {"host": host}})
                assert found.status_code == status, host
        put(second)
        eventually(lambda: serial() == second.serial, 20)
        kept = (tmp_path / ".triplegate" / "last-good" / "documents.json").read_text()
        assert "PRIVATE" not in kept
