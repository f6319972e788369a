"""The programs in the docs run: each as it stands, with the vendor's own client, at a gateway with scripted vendors."""

import os
import re

import pytest
from tests.docs.reference import DOCS
from tests.journeys.running import House, write
from tests.journeys.scripted_vendor import Vendor

PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAMS = PROGRAM.findall((DOCS / "llm.md").read_text())
CONFIGURATION = """
providers:
  chatty: {{base_url: "http://127.0.0.1:{port}/v1", dialect: openai_chat, auth: null}}
  wordy: {{base_url: "http://127.0.0.1:{port}", dialect: anthropic_messages, auth: null}}
models:
  writer: {{deployments: [{{provider: wordy, model: any}}]}}
  draft: {{deployments: [{{provider: chatty, model: any}}]}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("snippets")
    with Vendor() as vendor:
        write(folder, CONFIGURATION.format(port=vendor.port))
        with House(folder) as running:
            yield running


def test_there_is_one_of_each_vendor():
    assert [("OpenAI(" in program, "Anthropic(" in program) for program in PROGRAMS] == [(True, False), (False, True)]


@pytest.mark.parametrize("program", PROGRAMS, ids=["openai", "anthropic"])
def test_a_program_of_the_docs_prints_the_answer_whole_and_streamed(house, program, monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)
    for name, value in {"GATEWAY": house.url, "GATEWAY_KEY": house.key(), "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    exec(compile(program, "docs/llm.md", "exec"), {})  # noqa: S102 - our own words
    assert capsys.readouterr().out == "one two three\none two three"
