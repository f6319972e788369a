"""GET /models: what this caller may use."""

import json

import pytest
from tests.builders import ALICE
from tests.gates.built import built
from tests.gates.llm.calls import configuration

from triplegate.core.errors import Refusal
from triplegate.gates.llm.paths import models

DEPLOYMENT = "deployments: [{provider: p, model: x}]"
TEXT = configuration(
    {"p": "http://127.0.0.1:1"},
    {
        "b": f"{{{DEPLOYMENT}}}",
        "a": f"{{{DEPLOYMENT}, teams: [web]}}",
        "c": f"{{{DEPLOYMENT}, teams: [ops]}}",
        "vendor/x:8b": f"{{{DEPLOYMENT}, teams: [acme/web]}}",
    },
)


@pytest.fixture
async def listed(tmp_path):
    async with built(tmp_path, TEXT) as made:
        yield made.gateway.snapshot.gates["llm"]._listed


async def read(reply):
    return json.loads(await anext(reply.frames))


async def test_the_list_is_in_the_configurations_order_and_hides_what_may_not_be_used(listed):
    text = await read(models.listing(listed, ALICE, 7))
    assert [one["id"] for one in text["data"]] == ["b", "a", "vendor/x:8b"]
    assert text["data"][0] == {"id": "b", "object": "model", "created": 7, "owned_by": "p"}


@pytest.mark.parametrize("name", ["vendor/x:8b", "vendor/x%3A8b"])
async def test_one_model_by_its_name_however_it_was_encoded(listed, name):
    assert (await read(models.one(listed, ALICE, name, 7)))["id"] == "vendor/x:8b"


@pytest.mark.parametrize("name", ["nothing", "c"])
async def test_what_may_not_be_used_is_as_if_it_were_not_there(listed, name):
    with pytest.raises(Refusal) as caught:
        models.one(listed, ALICE, name, 7)
    refusal = caught.value
    assert refusal.code == "model_not_found"
    assert refusal.detail.endswith("may use: b, a, vendor/x:8b.")


def test_a_long_list_and_a_long_name_are_cut():
    refusal = models.unknown([], ALICE, "x" * 999)
    assert (
        refusal.detail
        == f"The model '{'x' * 128}' does not exist or you may not use it. Models this key may use: none."
    )


async def test_anthropics_own_clients_get_the_list_in_their_shape(listed):
    text = await read(models.listing(listed, ALICE, 7, anthropic=True))
    assert [(one["type"], one["id"], one["created_at"]) for one in text["data"]] == [
        ("model", name, "1970-01-01T00:00:07Z") for name in ("b", "a", "vendor/x:8b")
    ]
    assert (text["has_more"], text["first_id"], text["last_id"]) == (False, "b", "vendor/x:8b")
    assert (await read(models.one(listed, ALICE, "a", 7, anthropic=True)))["display_name"] == "a"
