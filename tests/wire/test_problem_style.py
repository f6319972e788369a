"""Problems in the words of an API's owner; what a client sent is never markup in them."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.problem_style import PLAIN, Style, styled, template

EVIL = Refusal("invalid_body", 'no "<script>" & so')


def drawn(style, refusal=EVIL, accept=None):
    return styled(style, refusal, accept, "r1")


def test_without_a_style_it_is_the_plain_problem():
    media, content = drawn(PLAIN)
    assert media == b"application/problem+json"
    assert json.loads(content)["type"] == "https://triplegate.dev/problems/invalid-body"


def test_a_base_and_members_of_ones_own():
    style = Style("https://errors.acme.test/", {"support": "help@acme.test"})
    media, content = drawn(style)
    assert media == b"application/problem+json"
    found = json.loads(content)
    assert found["type"] == "https://errors.acme.test/invalid-body"
    assert (found["support"], found["status"], found["instance"]) == ("help@acme.test", 400, "urn:request:r1")


def test_what_a_refusal_says_itself_is_never_replaced_by_a_member():
    refusal = Refusal("quota_exceeded", payload={"violated-policies": ["tight"]})
    found = json.loads(drawn(Style(members={"violated-policies": "none"}), refusal)[1])
    assert found["violated-policies"] == ["tight"]


def test_a_member_is_no_text():
    media, content = drawn(Style(members={"support": "help@acme.test"}), accept=b"text/plain")
    assert media.startswith(b"text/plain")
    assert b"help@acme.test" not in content


PAGE = "<p>{detail}</p>"
OWN_JSON = '{{"error": "{detail}", "id": "{request_id}"}}'
OWN_XML = "<e c='{code}' s='{status}'>{title}</e>"


@pytest.mark.parametrize(
    ("media", "text", "drawn_as"),
    [
        (b"text/html", PAGE, "<p>no &quot;&lt;script&gt;&quot; &amp; so</p>"),
        (b"application/json", OWN_JSON, r'{"error": "no \"<script>\" & so", "id": "r1"}'),
        (b"application/xml", OWN_XML, "<e c='invalid_body' s='400'>The body cannot be read</e>"),
        (b"text/csv", "{type}", "https://triplegate.dev/problems/invalid-body"),
    ],
)
def test_a_template_is_filled_and_each_word_escaped_for_its_media(media, text, drawn_as):
    found, content = drawn(Style(templates=((media, template(text)),)))
    assert found.partition(b";")[0] == media
    assert content.decode() == drawn_as


def test_accept_chooses_among_templates_and_the_first_is_the_default():
    style = Style(templates=((b"text/html", template("page")), (b"text/csv", template("row"))))
    assert drawn(style)[1] == b"page"
    assert drawn(style, accept=b"text/csv")[1] == b"row"
    assert drawn(style, accept=b"text/html;q=0.1, text/csv")[1] == b"row"
    assert drawn(style, accept=b"application/problem+json")[0] == b"application/problem+json"
    assert drawn(style, accept=b"image/png")[1] == b"page"


@pytest.mark.parametrize(
    "text", ["{nobody}", "{detail!r}", "{status:>9}", "{", "{}", "{title.__class__}", "{title[0]}"]
)
def test_a_template_with_wrong_braces_or_names_is_refused(text):
    with pytest.raises(ValueError, match=r"template knows|brace|Single|expected"):
        template(text)
