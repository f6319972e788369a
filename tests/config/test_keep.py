"""The last good documents on disk."""

import json
import os
import stat
from pathlib import Path

import pytest
from tests.config.policies import REGISTRY, KeyAuth

from triplegate.config.faults import ConfigError
from triplegate.config.keep import FILE, keep, last_good
from triplegate.config.load import Loaded, load
from triplegate.core.policy import Registry

TEXT = """
routes: {a: {service: s, match: {path: /a}, policies: [slow, {use: key_auth}]}}
services: {s: {endpoints: [http://h:1]}}
models: {m: {deployments: [{provider: openai, model: gpt-4o, key: env:CANARY_KEY}]}}
policies: {slow: [{use: rate_limit, requests: 2, window: 5s}]}
orgs: {o: {teams: {t: {plan: free}}}}
"""


def loaded_from(directory: Path) -> Loaded:
    (directory / "triplegate.yaml").write_text(TEXT)
    return load(directory, REGISTRY, environment={"CANARY_KEY": "CANARY-VALUE"})


def test_what_was_kept_is_what_is_found(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path)
    keep(loaded, loaded.settings.state_path)
    (tmp_path / "triplegate.yaml").write_text("routes: [")
    found = last_good(loaded.settings, REGISTRY)
    assert found is not None
    assert found.hash == loaded.hash
    assert found.documents.canonical() == loaded.documents.canonical()
    assert [one.label for one in found.documents.routes["a"].policies] == ["route:a/rate_limit", "route:a/key_auth"]


def test_no_secret_is_kept_and_the_file_is_private(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path)
    path = keep(loaded, loaded.settings.state_path)
    assert "CANARY-VALUE" not in path.read_text()
    assert "env:CANARY_KEY" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_keeping_replaces_whole_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = loaded_from(tmp_path)
    path = keep(loaded, loaded.settings.state_path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        keep(loaded, loaded.settings.state_path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_without_any_kept_there_is_none(tmp_path: Path) -> None:
    assert last_good(loaded_from(tmp_path).settings, REGISTRY) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"hash": 1}', '{"documents": 5}', '{"documents": {"routes": 5}}'])
def test_a_damaged_file_is_refused_with_its_name(tmp_path: Path, damage: str) -> None:
    loaded = loaded_from(tmp_path)
    keep(loaded, loaded.settings.state_path).write_text(damage)
    with pytest.raises(ConfigError) as caught:
        last_good(loaded.settings, REGISTRY)
    assert FILE in str(caught.value)


def test_documents_that_need_a_policy_that_is_gone_are_refused(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path)
    keep(loaded, loaded.settings.state_path)
    with pytest.raises(ConfigError) as caught:
        last_good(loaded.settings, Registry([KeyAuth]))
    assert "unknown policy 'rate_limit'" in str(caught.value)


def test_the_file_holds_documents_as_written(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path)
    kept = json.loads(keep(loaded, loaded.settings.state_path).read_text())
    assert kept["hash"] == loaded.hash
    assert kept["documents"]["routes"]["a"]["policies"][0] == "slow"
