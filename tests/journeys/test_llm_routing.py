"""Where model calls go: strategies, several keys, what was refused, and what clients may not choose."""

import openai
import pytest
from tests.journeys.running import House, eventually, records, write
from tests.journeys.scripted_vendor import Scripted, chat, said_whole

CONFIGURATION = """
providers:
  vendor:
    base_url: {url}/v1
    models:
      small: {{input: 1, output: 2, context: 1000}}
      large: {{input: 10, output: 20, context: 100000}}
models:
  keyed:
    deployments: [{{provider: vendor, model: small, keys: [{{key: "env:KEY_A", weight: 3}}, {{key: "env:KEY_B"}}]}}]
  rotated: {{deployments: [{{provider: vendor, model: small, key: "file:key.txt", group: rotated}}]}}
  dead: {{deployments: [{{provider: vendor, model: small, key: "env:KEY_DEAD"}}]}}
  tiered:
    deployments:
      - {{provider: vendor, model: small, key: "env:KEY_T1", name: first}}
      - {{provider: vendor, model: small, key: "env:KEY_T2", name: second, tier: 1}}
  grouped:
    deployments:
      - {{provider: vendor, model: small, key: "env:KEY_G1", name: g1, group: shared}}
      - {{provider: vendor, model: small, key: "env:KEY_G2", name: g2, group: shared}}
      - {{provider: vendor, model: small, key: "env:KEY_G3", name: g3, group: alone}}
    strategy: priority
  cooled: {{deployments: [{{provider: vendor, model: small, key: "env:KEY_C", group: cooled}}]}}
  quota:
    deployments:
      - {{provider: vendor, model: small, key: "env:KEY_Q1", name: q1}}
      - {{provider: vendor, model: small, key: "env:KEY_Q2", name: q2}}
    strategy: quota
  cheap:
    deployments:
      - {{provider: vendor, model: large, key: "env:KEY_D", name: dear}}
      - {{provider: vendor, model: small, key: "env:KEY_D", name: cheap}}
    strategy: cost
  talk:
    deployments:
      - {{provider: vendor, model: small, key: "env:KEY_D", name: t1}}
      - {{provider: vendor, model: small, key: "env:KEY_D", name: t2}}
      - {{provider: vendor, model: small, key: "env:KEY_D", name: t3}}
    strategy: sticky
  windowed:
    deployments: [{{provider: vendor, model: small, key: "env:KEY_W", name: narrow}}]
    fallback: [other]
    fallback_on: {{context_window: [roomy]}}
  other: {{deployments: [{{provider: vendor, model: small, key: "env:KEY_D", name: other}}]}}
  roomy: {{deployments: [{{provider: vendor, model: large, key: "env:KEY_D", name: roomy}}]}}
  strict: {{deployments: [{{provider: vendor, model: small, key: "env:KEY_P"}}], fallback: [other]}}
  lenient:
    deployments: [{{provider: vendor, model: small, key: "env:KEY_P"}}]
    fallback: [other]
    fallback_on: {{content_policy: [roomy]}}
  poor: {{deployments: [{{provider: vendor, model: small, key: "env:KEY_X"}}]}}
  "vendor/*": {{deployments: [{{provider: vendor, model: "*", key: "env:KEY_D"}}]}}
  plain:
    deployments: [{{provider: vendor, model: small, key: "env:KEY_D", name: old}}]
    aliases: [default]
    shadow: {{model: next, cost: 1}}
  next: {{deployments: [{{provider: vendor, model: large, key: "env:KEY_S", name: next}}]}}
  tried: {{deployments: [{{provider: vendor, model: small, key: "env:KEY_D"}}], canary: {{model: plain, percent: 100}}}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
KEYS = ("A", "B", "D", "S", "W", "P", "X", "DEAD", "T1", "T2", "G1", "G2", "G3", "C", "Q1", "Q2")
USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}


class Vendor(Scripted):
    """A provider that knows its callers by their keys and answers each as it was told to."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.answers = {}

    def answer(self, path, headers, body):
        key = headers["authorization"].removeprefix("Bearer ")
        self.calls.append((key, body["model"], path, headers["host"]))
        status, fields, said = self.answers.get(key, (200, {}, None))
        _, kind, content = said_whole(said or {**chat(body["model"], ["hi"]), "usage": USAGE})
        return status, {**kind, **fields}, content

    def refuse(self, key, status, **fields):
        error = {"error": {"message": "scripted", "type": "x", "code": None}}
        self.answers[key] = (status, {name.replace("_", "-"): value for name, value in fields.items()}, error)

    def used(self, since):
        return [key for key, *_ in self.calls[since:]]


class Llm:
    def __init__(self, house, vendor):
        self.house, self.vendor = house, vendor
        self.client = openai.OpenAI(base_url=f"{house.url}/v1", api_key=house.key(), max_retries=0, timeout=20)

    def ask(self, model, content="hello", **more):
        """One call; the deployment that answered."""
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        raw = self.client.chat.completions.with_raw_response.create(model=model, messages=messages, **more)
        return raw.headers["x-triplegate-deployment"]

    def rows(self, number):
        self.house.usage("team")
        return records(self.house.directory, f"exchange = '{number}'")


@pytest.fixture(scope="module")
def llm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routing")
    (folder / "key.txt").write_text("sk-old\n")
    with Vendor() as vendor:
        write(folder, CONFIGURATION.format(url=vendor.url))
        with House(folder, **{f"KEY_{name}": f"sk-{name}" for name in KEYS}) as house:
            made = Llm(house, vendor)
            yield made
            made.client.close()


def test_keys_share_calls_by_weight_and_a_refused_one_is_left_alone_at_once(llm):
    begin = len(llm.vendor.calls)
    for _ in range(8):
        llm.ask("keyed")
    assert sorted(llm.vendor.used(begin)) == ["sk-A"] * 6 + ["sk-B"] * 2
    llm.vendor.refuse("sk-A", 401)
    begin = len(llm.vendor.calls)
    try:
        for _ in range(4):
            llm.ask("keyed")
    finally:
        del llm.vendor.answers["sk-A"]
    assert sorted(llm.vendor.used(begin)) == ["sk-A"] + ["sk-B"] * 4


def test_no_key_left_is_a_502_that_says_nothing_of_them(llm):
    llm.vendor.refuse("sk-DEAD", 403)
    begin = len(llm.vendor.calls)
    for _ in range(3):
        with pytest.raises(openai.InternalServerError) as caught:
            llm.ask("dead")
        assert (caught.value.status_code, caught.value.code) == (502, "upstream_credentials_exhausted")
        assert "KEY" not in caught.value.message
    assert llm.vendor.used(begin) == ["sk-DEAD"]


def test_a_key_in_a_file_is_replaced_without_a_restart(llm):
    assert llm.ask("rotated") == "vendor/small"
    llm.vendor.refuse("sk-old", 401)
    with pytest.raises(openai.InternalServerError):
        llm.ask("rotated")
    write(llm.house.directory, "sk-new\n", "key.txt")

    def answered():
        try:
            return llm.ask("rotated")
        except openai.InternalServerError:
            return None

    assert eventually(answered, within=15, every=0.2) == "vendor/small"
    assert llm.vendor.calls[-1][0] == "sk-new"


def test_the_next_tier_is_tried_when_the_first_fails_and_only_then(llm):
    assert [llm.ask("tiered") for _ in range(3)] == ["first"] * 3
    llm.vendor.refuse("sk-T1", 500)
    assert llm.ask("tiered") == "second"
    del llm.vendor.answers["sk-T1"]
    assert llm.ask("tiered") == "first"


def test_a_429_leaves_the_whole_group_alone_and_the_others_answer(llm):
    llm.vendor.refuse("sk-G1", 429, retry_after="60")
    begin = len(llm.vendor.calls)
    assert [llm.ask("grouped") for _ in range(3)] == ["g3"] * 3
    assert llm.vendor.used(begin) == ["sk-G1", "sk-G3", "sk-G3", "sk-G3"]


def test_while_all_is_left_alone_clients_are_told_when_to_come_again(llm):
    llm.vendor.refuse("sk-C", 429, retry_after="90")
    begin = len(llm.vendor.calls)
    for _ in range(3):
        with pytest.raises(openai.RateLimitError) as caught:
            llm.ask("cooled")
        assert 60 < int(caught.value.response.headers["retry-after"]) <= 90
    assert llm.vendor.used(begin) == ["sk-C"]
    (row,) = llm.rows(caught.value.response.headers["x-request-id"])
    assert (row["status"], row["refusal"], row["cost"]) == (429, "upstream_rate_limited", 0)


def test_the_providers_own_limits_are_kept_out_of_reach(llm):
    low = {"x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "20", "x-ratelimit-reset-tokens": "1h"}
    high = {**low, "x-ratelimit-remaining-tokens": "900"}
    llm.vendor.answers["sk-Q1"], llm.vendor.answers["sk-Q2"] = (200, low, None), (200, high, None)
    first = {llm.ask("quota") for _ in range(2)}
    assert first == {"q1", "q2"}
    assert {llm.ask("quota", "x" * 400) for _ in range(5)} == {"q2"}


def test_the_cheapest_answers(llm):
    assert {llm.ask("cheap") for _ in range(4)} == {"cheap"}


def test_a_conversation_stays_where_it_began(llm):
    places = set()
    for number in range(8):
        talk = [{"role": "user", "content": f"question {number}"}]
        first = llm.ask("talk", talk)
        for _ in range(3):
            talk = [*talk, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "more"}]
            assert llm.ask("talk", talk) == first
        places.add(first)
    assert len(places) > 1


def test_a_client_chooses_neither_address_nor_credential(llm):
    begin = len(llm.vendor.calls)
    more = {
        "base_url": "http://127.0.0.1:1/v1",
        "api_base": "http://127.0.0.1:1/v1",
        "api_key": "sk-mine",
        "provider": "other",
        "deployment": "other",
        "key": "env:KEY_B",
    }
    fields = {
        "x-api-key": "sk-mine",
        "api-key": "sk-mine",
        "openai-organization": "mine",
        "x-triplegate-deployment": "other",
        "x-base-url": "http://127.0.0.1:1",
        "x-forwarded-host": "127.0.0.1:1",
        "helicone-target-url": "http://127.0.0.1:1",
    }
    llm.ask("cheap", extra_body=more, extra_headers=fields)
    assert [call[:3] for call in llm.vendor.calls[begin:]] == [("sk-D", "small", "/v1/chat/completions")]
    assert llm.vendor.calls[-1][3] == llm.vendor.url.removeprefix("http://")


def test_other_names_and_patterns_lead_to_models_and_only_known_names_are_listed(llm):
    assert llm.ask("default") == "old"
    assert llm.ask("tried") == "old"  # by its canary
    for name in ("large", "brand-new"):
        llm.ask(f"vendor/{name}")
        assert llm.vendor.calls[-1][1] == name
    listed = [model.id for model in llm.client.models.list()]
    assert {"plain", "tried", "vendor/small", "vendor/large"} <= set(listed)
    assert not {"default", "vendor/*", "vendor/brand-new"} & set(listed)


def test_a_copy_goes_to_the_other_model_and_has_a_record_of_its_own(llm):
    raw = llm.client.chat.completions.with_raw_response.create(
        model="plain", messages=[{"role": "user", "content": "hello"}]
    )
    number = raw.headers["x-request-id"]
    assert (raw.headers["x-triplegate-deployment"], raw.headers["x-triplegate-cost"]) == ("old", "0.000005")

    def copied():
        llm.house.usage("team")
        return records(llm.house.directory, f"parent = '{number}'")

    (copy,) = eventually(copied)
    assert (copy["route"], copy["target"], copy["outcome"], copy["usage_source"]) == ("next", "next", "ok", "provider")
    assert copy["cost"] == (3 * 10 + 20) * 10_000
    assert "sk-S" in llm.vendor.used(0)


def said(message, code):
    return (400, {}, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}})


def test_a_request_that_is_too_large_goes_to_a_model_that_holds_more(llm):
    words = "This model's maximum context length is 1000 tokens."
    llm.vendor.answers["sk-W"] = said(words, "context_length_exceeded")
    assert llm.ask("windowed") == "roomy"
    llm.vendor.answers["sk-D"] = said(words, "context_length_exceeded")
    try:
        with pytest.raises(openai.BadRequestError, match="maximum context length"):
            llm.ask("windowed")
    finally:
        del llm.vendor.answers["sk-D"]


def test_what_a_content_policy_forbids_goes_on_only_where_that_is_written(llm):
    llm.vendor.answers["sk-P"] = said("The request was flagged.", "content_policy_violation")
    with pytest.raises(openai.BadRequestError, match="was flagged"):
        llm.ask("strict")
    assert llm.ask("lenient") == "roomy"


def test_a_refused_key_is_not_the_clients_business_whatever_its_status(llm):
    llm.vendor.answers["sk-X"] = said("Incorrect API key provided: sk-X", "invalid_api_key")
    with pytest.raises(openai.InternalServerError) as caught:
        llm.ask("poor")
    assert (caught.value.code, "sk-X" in caught.value.message) == ("upstream_credentials_exhausted", False)
