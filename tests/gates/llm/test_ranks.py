"""OpenAI's vocabularies: out of a package, verified, and estimates where they are missing or not the published ones."""

import asyncio
import gzip
import sys

import pytest
from tests.builders import make_kit

from triplegate.gates.llm import ranks
from triplegate.gates.llm.ranks import Ranks, encodes, found
from triplegate.upstreams.supervisor import TaskSupervisor

here = pytest.mark.skipif(not found(), reason="bpe-openai is not installed")


async def warmed(*models):
    kit = make_kit(supervisor=TaskSupervisor())
    made = Ranks.kept(kit)
    assert made.encode_of(models[0]) is None, "nothing is loaded before somebody asks"
    made.warm(frozenset(models), kit)
    async with asyncio.timeout(60):
        while made._loading:
            await asyncio.sleep(0.01)
    await kit.supervisor.close()
    return made


def package(folder, monkeypatch, text):
    """Another package in its place."""
    (folder / "vocabulary" / "data").mkdir(parents=True)
    (folder / "vocabulary" / "__init__.py").write_text("")
    (folder / "vocabulary" / "data" / "o200k_base.tiktoken.gz").write_bytes(gzip.compress(text))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(ranks, "PACKAGE", "vocabulary")


async def test_a_vocabulary_that_is_not_the_published_one_is_never_used(tmp_path, monkeypatch):
    package(tmp_path, monkeypatch, b"aGVsbG8= 0\n")
    made = await warmed("gpt-4o")
    assert made.encode_of("gpt-4o") is None
    assert made.trouble == "ValueError: o200k_base.tiktoken of vocabulary is not the published one"


async def test_without_the_package_it_says_so(monkeypatch):
    monkeypatch.setattr(ranks, "PACKAGE", "not_installed_here")
    made = await warmed("gpt-4o")
    assert made.trouble == "not_installed_here is not installed"


async def test_nothing_is_ever_downloaded(tmp_path, monkeypatch):
    package(tmp_path, monkeypatch, b"")
    import tiktoken.load

    monkeypatch.setattr(tiktoken.load, "read_file", lambda path: pytest.fail(f"downloads {path}"))
    with pytest.raises(FileNotFoundError):
        encodes(frozenset({"gpt-4"}))


async def test_what_openais_library_does_not_know_is_estimated(tmp_path, monkeypatch):
    package(tmp_path, monkeypatch, b"")
    made = await warmed("claude-sonnet-4-5")
    assert (made.encode_of("claude-sonnet-4-5"), made.trouble) == (None, "")


@here
@pytest.mark.timeout(60)
async def test_text_is_counted_as_openai_does():
    made = await warmed("gpt-4o", "openai/gpt-4", "gpt-oss-120b")
    assert made.trouble == ""
    assert made.encode_of("gpt-4o")("hello world <|endoftext|>") == [24912, 2375, 464, 91, 419, 1440, 919, 91, 29]
    assert made.encode_of("openai/gpt-4")("hello world") == [15339, 1917]
    assert made.encode_of("gpt-oss-120b")("hello world") == [24912, 2375]


def test_nothing_heavy_is_loaded_to_know_of_it():
    assert found() in (True, False)
    assert "bpe_openai" not in sys.modules
