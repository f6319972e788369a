"""What browsers speak, spoken by one: EventSource and WebSocket of a web page, through the gateway."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.browser import Page
from tests.journeys.running import House, eventually, write
from tests.journeys.websocket_upstream import Service
from tests.servers.spawn import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(60)]

CONFIGURATION = """
services:
  site: {{endpoints: ["http://127.0.0.1:{site}"]}}
  chat: {{endpoints: ["http://127.0.0.1:{chat}"], websocket: {{origins: ["{origin}"]}}}}
  closed: {{endpoints: ["http://127.0.0.1:{chat}"], websocket: {{origins: ["https://app.example.com"]}}}}
routes:
  page: {{service: site, match: {{path: /, type: exact}}, owner: web, identity: none}}
  feed:
    service: site
    match: {{path: /feed}}
    owner: web
    identity: none
    policies: [{{use: sse, keep_alive: 100ms, retry: 50ms}}]
  chat: {{service: chat, match: {{path: /chat}}, owner: web, identity: none}}
  close: {{service: chat, match: {{path: /close}}, owner: web, identity: none}}
  closed: {{service: closed, match: {{path: /closed}}, owner: web, identity: none}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
PAGE = b"<!doctype html><title>orders</title>"


class Site(BaseHTTPRequestHandler):
    """A page, and a feed that ends after every second event."""

    asked: list = []  # noqa: RUF012 - what the feed was asked to go on from

    def do_GET(self):
        if self.path == "/":
            self._head("text/html")
            self.wfile.write(PAGE)
            return
        last = self.headers.get("last-event-id")
        self.asked.append(last)
        self._head("text/event-stream")
        for number in (int(last or 0) + 1, int(last or 0) + 2):
            self.wfile.write(b"id: %d\ndata: event\ndata: %d\n\n" % (number, number))
            self.wfile.flush()
            time.sleep(0.25)  # long enough for comments in between

    def _head(self, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()

    def log_message(self, *words):
        """Not a word."""


@pytest.fixture(scope="module", params=["granian", "loop"])
def house(request, tmp_path_factory):
    chat, site = Service(), ThreadingHTTPServer(("127.0.0.1", free_port()), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("browser-journey")
    house = House(folder, TRIPLEGATE_TRANSPORT=request.param)
    house.chat = chat
    write(folder, CONFIGURATION.format(site=site.server_port, chat=chat.port, origin=house.url))
    with house:
        yield house
    site.shutdown()
    site.server_close()
    chat.close()


def test_an_event_source_goes_on_where_it_was_cut(house: House, page: Page):
    Site.asked.clear()
    page.visit(f"{house.url}/")
    page.evaluate(
        "window.got = []; window.source = new EventSource('/feed');"
        " source.onmessage = event => got.push([event.lastEventId, event.data]); 0"
    )
    got = page.until("got.length >= 5 && got")
    page.evaluate("source.close(); 0")
    assert got[:5] == [[str(number), f"event\n{number}"] for number in range(1, 6)]
    assert Site.asked[:3] == [None, "2", "4"]


TALK = """new Promise(done => {
  const socket = new WebSocket('PATH', ['v2.orders', 'v1.orders']), got = [];
  socket.onopen = () => { got.push(socket.protocol); socket.send('hällo'); };
  socket.onmessage = event => { got.push(event.data); socket.close(3001, 'enough'); };
  socket.onclose = event => { got.push([event.code, event.reason, event.wasClean]); done(got); };
})"""


def test_a_web_socket_of_an_allowed_page_talks_and_says_goodbye(house: House, page: Page):
    page.visit(f"{house.url}/")
    assert page.evaluate(TALK.replace("PATH", "/chat/page")) == ["v1.orders", "hällo", [3001, "enough", True]]
    eventually(lambda: ("/chat/page", 3001) in [(path, code) for path, code, _ in house.chat.closed])


def test_a_page_hears_the_code_of_the_service_and_of_a_refusal_nothing(house: House, page: Page):
    page.visit(f"{house.url}/")
    assert page.evaluate(TALK.replace("PATH", "/close/4002").replace("socket.send('hällo')", "0"))[-1] == [
        4002,
        "as told",
        True,
    ]
    assert page.evaluate(TALK.replace("PATH", "/closed/page")) == [[1006, "", False]]
    assert not any(path == "/closed/page" for path, _, _ in house.chat.closed)
