"""Problem documents and who gets which form."""

import json

import pytest

from triplegate.core.errors import CODES, Fault, Refusal
from triplegate.wire.problem import BASE, JSON, PROBLEM, TEXT, negotiate, render, type_uri


def test_a_refusal_becomes_a_problem_document() -> None:
    refusal = Refusal(
        "quota_exceeded",
        "The limit 'burst' is reached.",
        reason="secret reason",
        payload={"violated-policies": ["burst"], "status": 200},
    )
    media, body = render(refusal, instance="urn:triplegate:01J")
    assert media == b"application/problem+json"
    assert json.loads(body) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Too many requests",
        "status": 429,
        "detail": "The limit 'burst' is reached.",
        "instance": "urn:triplegate:01J",
        "violated-policies": ["burst"],
    }


def test_every_fault_is_told_with_its_place() -> None:
    refusal = Refusal("invalid_body", errors=(Fault("/a/0", "must be a number"), Fault("/b", "is missing")))
    assert json.loads(render(refusal)[1])["errors"] == [
        {"pointer": "/a/0", "detail": "must be a number"},
        {"pointer": "/b", "detail": "is missing"},
    ]


def test_every_code_has_a_stable_type() -> None:
    for code in CODES:
        assert type_uri(code).startswith(("https://triplegate.dev/problems/", "https://iana.org/"))
    assert type_uri("route_not_found") == BASE + "route-not-found"
    assert type_uri("route_not_found", "https://errors.example/") == "https://errors.example/route-not-found"
    own = [type_uri(code) for code in CODES if type_uri(code).startswith(BASE)]
    assert len(set(own)) == len(own)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, PROBLEM),
        (b"", PROBLEM),
        (b"*/*", PROBLEM),
        (b"application/json", JSON),
        (b"application/json, application/problem+json", PROBLEM),
        (b"application/json, application/problem+json;q=0.5", JSON),
        (b"application/*", PROBLEM),
        (b"text/plain", TEXT),
        (b"text/*;q=0.8, application/json;q=0.3", TEXT),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PROBLEM),
        (b"image/png", PROBLEM),
        (b"application/problem+json;q=0, */*", JSON),
        (b"text/plain;q=x", TEXT),
        (b"text/plain;q=nan, application/json;q=0.1", TEXT),
        (b",,;;q,", PROBLEM),
    ],
)
def test_the_form_is_the_one_the_client_likes_best(accept: bytes | None, media: bytes) -> None:
    assert negotiate(accept) == media


def test_people_get_a_line_of_text() -> None:
    media, body = render(Refusal("route_not_found", "No route for /x."), b"text/plain")
    assert media == b"text/plain; charset=utf-8"
    assert body == b"404 No route matches\nNo route for /x.\n"
