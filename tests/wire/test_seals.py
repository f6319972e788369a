"""Sealed ids and state lead back to where they came from, for their own team only."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.wire.seals import Seals, identity_of, note_of

SEALS = Seals(b"pepper")
GROUPS = ("openai:a", "openai:b")


@given(st.from_regex(r"[A-Za-z0-9_-]{1,60}", fullmatch=True))
def test_an_id_comes_back_with_its_group(identity):
    sealed = SEALS.seal(identity, "acme/web", "openai:b")
    assert SEALS.open(sealed, "acme/web", GROUPS) == (identity, "openai:b")


def test_an_id_is_of_use_to_its_own_team_at_its_own_group_and_with_its_own_name_only():
    sealed = SEALS.seal("resp_1", "acme/web", "openai:b")
    assert SEALS.open(sealed, "acme/ops", GROUPS) is None
    assert SEALS.open(sealed, "acme/web", ["openai:a"]) is None
    assert SEALS.open(sealed.replace("resp_1", "resp_2"), "acme/web", GROUPS) is None
    assert Seals(b"other").open(sealed, "acme/web", GROUPS) is None


@given(st.from_regex(r"[A-Za-z0-9_-]{1,60}", fullmatch=True), st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True))
def test_a_note_comes_back_with_its_id_and_cannot_be_changed(identity, note):
    sealed = SEALS.seal(identity, "acme/web", "openai:b", note)
    opened = SEALS.open(sealed, "acme/web", GROUPS)
    if "_tg" not in identity:
        assert (opened, note_of(sealed)) == ((identity, "openai:b"), note)
    assert SEALS.open(sealed.replace(f"_tgn{note}_tg", f"_tgn{note}0_tg"), "acme/web", GROUPS) is None
    assert SEALS.open(sealed.replace(f"_tgn{note}_tg", "_tg"), "acme/web", GROUPS) is None


def test_a_note_is_of_one_id_and_stays_between_us_and_the_client():
    reply = b'{"id":"resp_1","previous_response_id":"resp_2"}'
    sealed = SEALS.seal_ids(reply, "acme/web", "openai:a", ("resp_1", "a-1"))
    told = json.loads(sealed)
    assert (note_of(told["id"]), note_of(told["previous_response_id"])) == ("a-1", "")
    assert SEALS.open_ids(sealed, "acme/web", GROUPS) == (reply, {"openai:a"})
    assert [identity_of(name) for name in (told["id"], told["previous_response_id"], "resp_3")] == [
        "resp_1",
        "resp_2",
        "resp_3",
    ]


@pytest.mark.parametrize(
    "identity",
    ["resp_1", "", "resp_1_tg", "../x_tgaaaaaaaaaaaaaaaa", "a/b_tgaaaaaaaaaaaaaaaa", "é" * 9],
)
def test_what_was_never_sealed_opens_nothing(identity):
    assert SEALS.open(identity, "acme/web", GROUPS) is None


def test_state_comes_back_plain_with_the_groups_it_names():
    block = b'data: {"item":{"type":"reasoning","encrypted_content":"gAAA","summary":[]}}\n\n'
    sealed = SEALS.seal_state(block, "acme/web", "openai:a")
    assert sealed != block
    for text in (sealed, sealed.replace(b'content":', b'content" : ')):
        opened, groups = SEALS.open_state(text, "acme/web", GROUPS)
        assert (b'"gAAA"' in opened, groups) == (True, {"openai:a"})
    assert SEALS.open_state(sealed, "acme/ops", GROUPS)[1] == {""}
    assert SEALS.open_state(block, "acme/web", GROUPS) == (block, frozenset())


def test_what_only_looks_like_state_is_left_alone():
    for text in (
        json.dumps({"text": '"encrypted_content":"x"'}, separators=(",", ":")).encode(),
        b'{"encrypted_content":null}',
        b'{"other":"tgo1.aaaaaaaaaaaaaaaa.x"}',
    ):
        assert SEALS.seal_state(text, "acme/web", "openai:a") == text
        assert SEALS.open_state(text, "acme/web", GROUPS)[0] == text


def test_ids_within_a_reply_are_sealed_and_come_back_plain():
    reply = b'{"id": "batch_67f1","input_file_id":"file-ab12","text":"say \\"resp_1\\"","n":"profile-x","e":"file"}'
    sealed = SEALS.seal_ids(reply, "acme/web", "openai:a")
    said = json.loads(sealed)
    assert SEALS.open(said["id"], "acme/web", GROUPS) == ("batch_67f1", "openai:a")
    assert SEALS.open(said["input_file_id"], "acme/web", GROUPS) == ("file-ab12", "openai:a")
    assert (said["text"], said["n"], said["e"]) == ('say "resp_1"', "profile-x", "file")
    assert SEALS.open_ids(sealed, "acme/web", GROUPS) == (reply, {"openai:a"})
    assert SEALS.open_ids(sealed, "acme/ops", GROUPS) == (sealed, {""})
    assert SEALS.open_ids(reply, "acme/web", GROUPS) == (reply, frozenset())


def test_only_what_stands_where_an_id_does_is_sealed():
    said = {
        "output": [{"type": "file_search_call", "queries": ["file-1"]}, {"annotations": [{"type": "file_path"}]}],
        "tools": [{"type": "file_search"}, {"parameters": {"properties": {"file_path": {}, "batch_size": {}}}}],
    }
    reply = json.dumps(said).encode()
    assert SEALS.seal_ids(reply, "acme/web", "openai:a") == reply
    sealed = SEALS.seal_ids(b'{"type":"file_citation","file_id" : "file-ab12"}', "acme/web", "openai:a")
    assert SEALS.open(json.loads(sealed)["file_id"], "acme/web", GROUPS) == ("file-ab12", "openai:a")
    assert json.loads(sealed)["type"] == "file_citation"


MINE = SEALS.seal("file-mine", "acme/web", "openai:a").encode()


@pytest.mark.parametrize(
    "text",
    [
        b'{"file_id":"file-other"}',
        b'{"input_file_id" :\t"file_other"}',
        b'{"file\\u005fid":"file-other"}',
        b'{"file_id":"\\u0066ile-other"}',
        b'{"file_id":"file\\u002Dother"}',
        b'{"a":"\\\\","file_id":"file-other"}',
        b'{"file_id":"%b","file_id":"file-other"}' % MINE,
        b'{"file_id":"file-other","file_id":"%b"}' % MINE,
        b'{"file_ids":["%b","file-other"]}' % MINE,
        b'{"file_ids":["]", "file-other"]}',
        b'{"file_id":"%b"}' % SEALS.seal("file-1", "acme/ops", "openai:a").encode(),
    ],
)
def test_a_file_that_was_not_sealed_for_this_team_is_seen_however_it_is_written(text):
    assert SEALS.unsealed_file(text, "acme/web", GROUPS)


@pytest.mark.parametrize(
    "text",
    [
        b'{"file_id":"%b","file_ids":["%b"]}' % (MINE, MINE),
        b'{"text":"{\\"file_id\\":\\"file-other\\"}"}',
        b'{"properties":{"file_id":{"type":"string"}},"required":["file_id"],"path":"file-1"}',
        b'{"file_id":null,"u":"\\u0041\\u0022file_id"}',
    ],
)
def test_what_names_no_other_file_is_left_alone(text):
    assert not SEALS.unsealed_file(text, "acme/web", GROUPS)


def test_after_one_id_that_is_not_ours_no_more_are_tried(monkeypatch):
    tried = []
    monkeypatch.setattr(Seals, "tag", lambda self, *said: tried.append(said) or "")
    text = b",".join(b'"resp_%d_tgaaaaaaaaaaaaaaaa"' % number for number in range(9))
    assert (SEALS.open_ids(text, "acme/web", GROUPS), len(tried)) == ((text, {""}), 2)


def test_the_form_of_a_seal_is_told_whoever_it_is_for():
    seals = Seals(b"secret")
    assert seals.sealed(seals.seal("resp_1", "acme/web", "a"))
    assert not any(map(seals.sealed, ("", "resp_1", "resp_1_tg", "resp 1_tgabcdefghijklmnop")))
