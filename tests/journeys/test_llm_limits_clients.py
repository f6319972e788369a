"""Token limits as the vendors' own clients meet them: told in their headers, raised as their errors, waited out."""

import time
from datetime import UTC, datetime

import anthropic
import openai
import pytest
from tests.journeys.running import House, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
providers:
  scripted: {{base_url: "http://127.0.0.1:{llm}/v1", auth: null, models: {{scripted: {{input: 1, output: 2}}}}}}
models:
  hourly:
    deployments: [{{provider: scripted, model: scripted}}]
    policies:
      - use: token_limit
        total: 1000
        input: 800
        output: 900
        requests: 50
        window: 1h
        by: key
        reservation: strict
  quick:
    deployments: [{{provider: scripted, model: scripted}}]
    policies: [{{use: token_limit, requests: 1, window: 1s, by: key}}]
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
HELLO = [{"role": "user", "content": "Hello there, what can you tell me of the sea?"}]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    directory = tmp_path_factory.mktemp("limits")
    with start_samples() as samples:
        write(directory, CONFIGURATION.format(llm=samples.ports["llm"]))
        with House(directory) as house:
            yield house


class OpenAi:
    """OpenAI's client."""

    error = openai.RateLimitError

    def __init__(self, house, **more):
        self.client = openai.OpenAI(api_key=house.key(), base_url=f"{house.url}/v1", timeout=20, **more)

    def ask(self, model, most):
        raw = self.client.chat.completions.with_raw_response.create(model=model, messages=HELLO, max_tokens=most)
        usage = raw.parse().usage
        return raw.headers, usage.prompt_tokens + usage.completion_tokens

    def left(self, headers):
        assert headers["x-ratelimit-limit-tokens"] == "1000"
        assert headers["x-ratelimit-limit-requests"] == "50"
        assert headers["x-ratelimit-reset-tokens"].endswith("s")
        return int(headers["x-ratelimit-remaining-tokens"])

    def waits(self, headers):
        """Seconds, as the client understands them."""
        return int(headers["retry-after-ms"]) / 1000


class Anthropic:
    """Anthropic's client."""

    error = anthropic.RateLimitError

    def __init__(self, house, **more):
        self.client = anthropic.Anthropic(api_key=house.key(), base_url=f"{house.url}/anthropic", timeout=20, **more)

    def ask(self, model, most):
        raw = self.client.messages.with_raw_response.create(model=model, messages=HELLO, max_tokens=most)
        usage = raw.parse().usage
        return raw.headers, usage.input_tokens + usage.output_tokens

    def left(self, headers):
        for unit, limit in (("tokens", "1000"), ("input-tokens", "800"), ("output-tokens", "900"), ("requests", "50")):
            assert headers[f"anthropic-ratelimit-{unit}-limit"] == limit
            until = datetime.fromisoformat(headers[f"anthropic-ratelimit-{unit}-reset"])
            assert until.timestamp() >= datetime.now(UTC).timestamp() - 60
        return int(headers["anthropic-ratelimit-tokens-remaining"])

    def waits(self, headers):
        return int(headers["retry-after"])


@pytest.fixture(params=[OpenAi, Anthropic], ids=["openai", "anthropic"])
def vendor(request):
    return request.param


def test_tokens_go_down_by_what_is_set_aside_and_come_back_when_they_were_not_used(house, vendor):
    client = vendor(house, max_retries=0)
    headers, used = client.ask("hourly", 500)
    first = client.left(headers)
    assert 400 < first < 500
    headers, _ = client.ask("hourly", 300)
    second = client.left(headers)
    assert 1000 - used - 300 - 60 < second < 1000 - used - 300 + 2
    assert '"token_limit-total";q=1000;qu="tokens";w=3600' in headers["ratelimit-policy"]
    assert f'"token_limit-total";r={second};t=' in headers["ratelimit"]


def test_what_no_longer_fits_is_their_rate_limit_error_with_the_true_wait(house, vendor):
    client = vendor(house, max_retries=0)
    client.ask("hourly", 600)
    with pytest.raises(client.error) as caught:
        client.ask("hourly", 895)
    answer = caught.value.response
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= client.waits(answer.headers) > 0
    assert "token_limit-output" in caught.value.message


def test_the_client_waits_as_long_as_it_is_told_and_then_passes(house, vendor):
    client = vendor(house, max_retries=3)
    began = time.monotonic()
    for _ in range(2):
        headers, _ = client.ask("quick", 50)
    assert headers["x-triplegate-deployment"] == "scripted/scripted"
    assert time.monotonic() - began > 0.9
