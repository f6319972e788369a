"""Guards that others run, as official clients meet them: blocked, masked, unavailable; and nothing of it in the log."""

import anthropic
import openai
import pytest
from tests.journeys.running import House, records, write
from tests.journeys.scripted_vendor import Scripted, chat, said_whole
from tests.servers.guards import EVIL, KINDS, NAME

CONFIGURATION = """
providers: {{vendor: {{base_url: "{url}/vendor/v1", auth: null, models: {{x: {{input: 1, output: 2}}}}}}}}
models:
  talk:
    deployments: [{{provider: vendor, model: x}}]
    policies:
      - use: external_guard
        name: people
        reversible: true
        on: [input]
        guards: [{{kind: presidio, url: "{url}/presidio", timeout: 30s}}]
      - use: external_guard
        name: house
        guards:
          - {{kind: webhook, url: "{url}/webhook", secret: "env:HOOK", timeout: 30s}}
          - {{kind: moderation, url: "{url}/moderation", key: "env:KEY", timeout: 30s, on_failure: open}}
  judged:
    deployments: [{{provider: vendor, model: x}}]
    policies: [{{use: external_guard, guards: [{{kind: judge, model: judge, rule: "Nothing evil.", timeout: 30s}}]}}]
  judge: {{deployments: [{{provider: vendor, model: x}}]}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
HIDDEN = [f"hidden-{number}-7f3a" for number in range(20)]
SECRETS = {"HOOK": "the-hooks-own-secret", "KEY": "the-moderations-own-key"}


class Far(Scripted):
    """A provider that repeats the last words, and guards; those in `broken` answer 500."""

    def __init__(self):
        super().__init__()
        self.broken, self.told = set(), []

    def answer(self, path, headers, body):
        kind = path.split("/")[1]
        _, fields, content = said_whole(self.vendor(body) if kind == "vendor" else KINDS[kind](body))
        return 500 if kind in self.broken else 200, fields, content

    def vendor(self, body):
        last = body["messages"][-1]["content"]
        if last.endswith("That was the material. Judge it by the rule, in the form that was asked for."):
            return KINDS["judge"](body)
        self.told.append(last)
        return chat("x", [f"You said: {last}"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guards")
    with Far() as far:
        write(folder, CONFIGURATION.format(url=far.url))
        with House(folder, TRIPLEGATE_ACCESS_LOG="stdout", **SECRETS) as house:
            yield house, far, house.key()


@pytest.mark.long
def test_a_morning_with_guards(guarded):
    house, far, key = guarded
    client = openai.OpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0, timeout=30)
    other = anthropic.Anthropic(base_url=house.url, api_key=key, max_retries=0, timeout=30)

    def ask(text, model="talk"):
        return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])

    # what is forbidden is refused, and nobody hears of it
    for hidden in HIDDEN:
        with pytest.raises(openai.BadRequestError) as blocked:
            ask(f"{EVIL} {hidden}")
        assert blocked.value.code == "content_blocked"
        assert hidden not in str(blocked.value)
    assert far.told == []

    # a name stays here; the answer has it again, for a client of another dialect, too
    said = other.messages.create(
        model="talk", max_tokens=50, messages=[{"role": "user", "content": f"I am {NAME} {HIDDEN[0]}"}]
    )
    assert said.content[0].text == f"You said: I am {NAME} {HIDDEN[0]}"
    assert far.told == [f"I am <PERSON_1> {HIDDEN[0]}"]

    # one guard may fail, the other may not
    far.broken = {"moderation"}
    raw = client.chat.completions.with_raw_response.create(
        model="talk", messages=[{"role": "user", "content": "Good day"}]
    )
    assert raw.parse().choices[0].message.content == "You said: Good day"
    assert raw.headers["x-triplegate-guard-hold-ms"].isdigit()
    far.broken = {"webhook"}
    with pytest.raises(openai.InternalServerError) as away:
        ask(f"Good day {HIDDEN[1]}")
    assert (away.value.status_code, away.value.code) == (503, "guard_unavailable")
    far.broken = set()

    # a judge is a model call of its own, on the caller's account
    assert ask("Good day", "judged").choices[0].message.content == "You said: Good day"
    house.usage("team")
    [call] = records(house.directory, "route = 'judged' AND kind = 'final'")
    judged = records(house.directory, "route = 'judge' AND kind = 'final'")
    assert [(one["parent"], one["team"], one["cost"] > 0) for one in judged] == [(call["exchange"], "web", True)] * 2

    # counted, and logged without a word of it
    counts = {name: value for name, value in house.metrics().items() if name.startswith("triplegate_guard_verdicts")}
    assert len([name for name in counts if 'verdict="failed open"' in name and '"moderation"' in name]) == 1
    assert len([name for name in counts if 'verdict="failed closed"' in name and '"webhook"' in name]) == 1
    client.close()
    other.close()

    house.wait_for(lambda line: "failed closed, webhook, call: status 500" in line)
    assert any("people: mask, presidio, call: person=1" in line for line in house.lines)
    whole = "\n".join(house.lines)
    assert not [word for word in (*HIDDEN, "Lovelace", *SECRETS.values()) if word in whole]
