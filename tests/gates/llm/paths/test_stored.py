"""Responses, files and batches that a provider keeps: by sealed ids only, and back where they belong."""

import json

import msgspec
import pytest
from tests.builders import make_inbound

from triplegate.core.errors import Refusal
from triplegate.gates.llm.paths.stored import kind_of, methods_of, read_kept
from triplegate.wire.seals import Seals

SEALS = Seals(b"pepper")
TEAM, GROUPS = "acme/web", ("openai:a", "openai:b")


async def kept(method, path, body=b"", files="openai:a", query=b""):
    inbound = msgspec.structs.replace(make_inbound(method=method, path=path, body=body), query=query)
    return await read_kept(inbound, "/v1", SEALS, TEAM, GROUPS, files)


def sealed(identity, group="openai:b", team=TEAM):
    return SEALS.seal(identity, team, group)


@pytest.mark.parametrize(
    ("path", "kind", "methods"),
    [
        ("/v1/responses/resp_1", "responses", ("GET", "DELETE")),
        ("/v1/responses/resp_1/cancel", "responses", ("POST",)),
        ("/v1/responses/resp_1/input_items", "responses", ("GET",)),
        ("/v1/responses/resp_1/other", "responses", ()),
        ("/v1/files", "files", ("POST",)),
        ("/v1/files/file-1", "files", ("GET", "DELETE")),
        ("/v1/files/file-1/content", "files", ("GET",)),
        ("/v1/batches", "batches", ("POST",)),
        ("/v1/batches/batch_1/cancel", "batches", ("POST",)),
    ],
)
def test_each_path_takes_its_own_methods(path, kind, methods):
    assert (kind_of(path, "/v1"), methods_of(path, "/v1")) == (kind, methods)


def test_other_paths_are_of_no_kind():
    assert [kind_of(path, "/v1") for path in ("/v1/models/x", "/v2/files", "/v1/filesystem")] == ["", "", ""]


async def test_an_id_leads_to_its_own_group_and_is_the_providers_own_there():
    call = await kept("GET", f"/v1/responses/{sealed('resp_1')}/input_items", query=b"limit=20&order=asc")
    asked = call.look.asked()
    assert (call.pin, asked.method, asked.path) == (
        "openai:b",
        "GET",
        b"/responses/resp_1/input_items?limit=20&order=asc",
    )
    assert call.endpoint.free


async def test_an_upload_goes_where_files_are_kept_and_a_batch_where_its_file_is():
    call = await kept("POST", "/v1/files", b"form")
    assert (call.pin, call.look.asked().path, call.look.body.content) == ("openai:a", b"/files", b"form")
    body = json.dumps({"input_file_id": sealed("file-1"), "endpoint": "/v1/chat/completions"}).encode()
    call = await kept("POST", "/v1/batches", body)
    assert (call.pin, json.loads(call.look.body.content)["input_file_id"]) == ("openai:b", "file-1")


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/v1/responses/resp_1", b"", "origin_gone"),
        ("GET", f"/v1/responses/{sealed('resp_1', team='acme/ops')}", b"", "origin_gone"),
        ("GET", f"/v1/files/{sealed('file-1', 'openai:gone')}", b"", "origin_gone"),
        ("POST", "/v1/batches", b'{"input_file_id":"file-1"}', "origin_gone"),
    ],
)
async def test_what_is_not_this_teams_is_not_there(method, path, body, code):
    with pytest.raises(Refusal) as caught:
        await kept(method, path, body)
    assert caught.value.code == code


async def test_without_a_place_for_files_there_are_none_and_strange_queries_are_refused():
    with pytest.raises(Refusal) as caught:
        await kept("POST", "/v1/files", b"form", files="")
    assert caught.value.code == "unsupported_endpoint"
    with pytest.raises(Refusal) as caught:
        await kept("GET", f"/v1/responses/{sealed('resp_1')}", query=b"x=/../")
    assert caught.value.code == "invalid_body"


async def test_the_input_of_a_batch_is_no_file_beside_one_of_ones_own():
    text = b'{"input_file_id":"file-other","metadata":{"a":"%b"}}' % sealed("file-mine").encode()
    with pytest.raises(Refusal) as caught:
        await kept("POST", "/v1/batches", text)
    assert caught.value.code == "origin_gone"
