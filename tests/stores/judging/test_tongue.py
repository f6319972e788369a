"""Only languages that are allowed are spoken, in calls and in answers; what cannot be told passes unless forbidden."""

import json

import pytest
from pydantic import ValidationError
from tests.policies.test_guardrail import CHAT, MESSAGES, RESPONSES, Vendor, ask, body_of, chat, guarded, refused

from triplegate.policies.guardrail import Guardrail
from triplegate.stores.judging.tongue import Tongue
from triplegate.wire.screening import languages
from triplegate.wire.screening.holding import Spoken

GERMAN = "Wie kann ich ein Produkt zur\u00fcckgeben, das ich letzte Woche gekauft habe?"
ENGLISH = "How do I return a product that I bought last week?"
BOTH = frozenset({"input", "output"})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_calls_and_answers_in_another_language_do_not_pass(tmp_path, path, stream):
    vendor = Vendor(ENGLISH)
    async with guarded(tmp_path, "{use: guardrail, name: g, languages: [en, fr]}", vendor) as (made, _):
        _, good = await ask(made, body_of(path, ENGLISH, stream=stream), path)
        exchange, status, _ = await refused(made, body_of(path, GERMAN, stream=stream), path)
        vendor.texts = (GERMAN,)
        other, _, content = await refused(made, body_of(path, ENGLISH, stream=stream), path)
    assert (good.status, status, len(vendor.bodies)) == (200, 400, 2)
    assert b"not allowed: de" in content
    assert b"gekauft" not in content
    for one in (exchange, other):
        assert ("g", "block", "language=1") in one.decisions


async def test_calls_that_no_dialect_reads_are_looked_at_too(tmp_path):
    async with guarded(tmp_path, "{use: guardrail, languages: [en], on: [input]}") as (made, vendor):
        _, status, _ = await refused(made, json.dumps({"model": "m", "input": [GERMAN]}).encode(), "/v1/embeddings")
    assert (status, vendor.bodies) == (400, [])


@pytest.mark.parametrize(("written", "status"), [("pass", 200), ("block", 400)])
async def test_what_cannot_be_told_passes_unless_that_is_forbidden(tmp_path, written, status):
    policy = f"{{use: guardrail, languages: [en], undetermined: {written}, on: [input]}}"
    async with guarded(tmp_path, policy) as (made, _):
        _, seen, _ = await refused(made, chat("print(x[0]); y = {}"))
    assert seen == status


async def test_a_mixed_text_passes_with_a_part_that_is_allowed_only():
    mixed = Spoken("input", (f"{ENGLISH} {ENGLISH}\n{GERMAN} {GERMAN}",))
    assert await Tongue(["en"], BOTH, strict=False)(mixed) is None
    assert (await Tongue(["en"], BOTH, strict=True)(mixed)).why == "Its language cannot be told."
    assert "not allowed" in (await Tongue(["ru"], BOTH, strict=False)(mixed)).why


async def test_long_texts_are_judged_beside_the_loop():
    judge = Tongue(["en"], BOTH, strict=False)
    assert (await judge(Spoken("input", (GERMAN * 1000,)))).kind == "language"
    assert await judge(Spoken("input", (ENGLISH * 1000, ""))) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"languages": ["xx"]}, "cannot be told"),
        ({"languages": ["english"]}, "pattern"),
        ({"languages": ["en"], "on": ["tool_results"]}, "not in tool_results"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_written(written, said):
    with pytest.raises(ValidationError, match=said):
        Guardrail(**written)


def test_without_the_library_its_name_is_told(monkeypatch):
    monkeypatch.setattr(languages, "installed", lambda: False)
    with pytest.raises(ValidationError, match=f"languages need the package {languages.LIBRARY}"):
        Guardrail(languages=["en"])
