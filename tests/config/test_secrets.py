"""Secrets: found by reference, shown to nobody."""

import copy
import json
import logging
import pickle
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from pydantic import BaseModel, ValidationError

from triplegate.config.documents import Documents
from triplegate.config.secrets import MAX_SECRET, FileSecrets, Secret, missing_secrets, references
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy


class Keyed(Policy):
    """Names a file as policies do."""

    use: Literal["keyed"] = "keyed"
    keys: str

    def decide(self, exchange: Exchange) -> None:
        """Let everyone pass."""


class Holder(BaseModel):
    secret: Secret


def test_a_secret_is_shown_only_to_who_asks() -> None:
    secret = Secret("CANARY")
    assert secret.reveal() == "CANARY"
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>10}",
        f"{secret} {secret!r}",
        repr([secret]),
        repr({"a": secret}),
        Holder(secret=secret).model_dump_json(),
        str(Holder(secret=secret).model_dump()),
        repr(Holder(secret=secret)),
        json.dumps({"a": secret}, default=str),
        logging.makeLogRecord({"msg": "%s", "args": (secret,)}).getMessage(),
    ]
    assert not [one for one in shown if "CANARY" in one]


def test_a_secret_is_not_encoded_or_pickled() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret("CANARY"))
    with pytest.raises(TypeError):
        pickle.dumps(Secret("CANARY"))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret("CANARY"))


def test_an_error_about_a_secret_does_not_repeat_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"secret": 5})
    assert caught.value.errors()[0]["msg"] == "Value error, must be text"


def test_equal_secrets_are_equal_and_nothing_else_is() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_references_are_read_from_environment_and_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "key").write_text("value\n")
    (tmp_path / "two").write_text("one\n\n")
    (tmp_path / "dos").write_bytes(b"value\r\n")
    secrets = FileSecrets(tmp_path, {"NAME": "from env", "EMPTY": ""})
    assert secrets.read("env:NAME") == "from env"
    assert secrets.read("env:EMPTY") == ""
    assert secrets.read("file:below/key") == "value"
    assert secrets.read(f"file:{tmp_path}/below/key") == "value"
    assert secrets.read("file:two") == "one\n"
    assert secrets.read("file:dos") == "value"


def test_a_file_is_read_anew_so_that_it_can_be_rotated(tmp_path: Path) -> None:
    secrets = FileSecrets(tmp_path, {})
    (tmp_path / "key").write_text("one")
    assert secrets.read("file:key") == "one"
    (tmp_path / "key").write_text("two")
    assert secrets.read("file:key") == "two"


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (MAX_SECRET + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    secrets = FileSecrets(tmp_path, {})
    for reference in (
        "env:NONE",
        "file:none",
        "file:large",
        "file:binary",
        "file:.",
        "file:a\x00b",
        "store:x",
        "nonsense",
    ):
        assert secrets.read(reference) is None, reference


def test_the_source_of_secrets_does_not_show_them(tmp_path: Path) -> None:
    assert "CANARY" not in repr(FileSecrets(tmp_path, {"NAME": "CANARY"}))


def test_every_reference_in_documents_is_found_and_missing_ones_are_told(tmp_path: Path) -> None:
    documents = Documents.model_validate(
        {
            "services": {"s": {"endpoints": ["https://h"], "tls": {"certificate": "c", "key": "file:k"}}},
            "providers": {"p": {"base_url": "https://h", "key": "env:P", "headers": {"x-key": "env:H"}}},
            "models": {"m": {"deployments": [{"provider": "p", "model": "x", "key": "store:m"}]}},
            "servers": {"f": {"url": "https://h/mcp", "auth": {"bearer": "env:B"}}},
            "routes": {"r": {"service": "s", "match": {"path": "/"}, "policies": [Keyed(keys="file:jwks.json")]}},
            "mcp": {"policies": [Keyed(keys="env:M")]},
        }
    )
    assert {reference for _, reference in references(documents)} == {
        "file:k",
        "env:P",
        "env:H",
        "store:m",
        "env:B",
        "file:jwks.json",
        "env:M",
    }
    missing = missing_secrets(documents, FileSecrets(tmp_path, {"P": "x", "H": "x"}))
    assert [(path[:2], reference) for path, reference in missing] == [
        (("services", "s"), "file:k"),
        (("routes", "r"), "file:jwks.json"),
        (("servers", "f"), "env:B"),
        (("mcp", "policies"), "env:M"),
    ]
