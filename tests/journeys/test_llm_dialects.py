"""Any client at any provider: the vendors' own clients get what was recorded, whatever dialect the provider speaks."""

import json

import anthropic
import openai
import pydantic
import pytest
from tests.golden.exchanges import DIALECTS, Replayed, own, recorded_chats
from tests.golden.said import Said
from tests.journeys.dialect_clients import HELLO, Clients, passes
from tests.journeys.replaying import Replaying
from tests.journeys.running import House, eventually, records, write

CLIENTS = ("chat", "responses", "messages")
BROKEN = ("inband-late", "malformed-late")
EXCHANGES = (*own(), *recorded_chats())
_FOLLOWED = {("chat", "refusal"): "content_filter", ("chat", "pause"): "stop", ("responses", "pause"): "stop"}
_SAID = {("messages", "content_filter"): "refusal", ("messages", "pause"): "pause_turn"} | _FOLLOWED
"""Why a reply ended, where a client's dialect has another word for it."""


class Llm:
    """A gateway with a provider of every dialect and a model for every exchange."""

    def __init__(self, house: House, replaying: Replaying) -> None:
        self.house, self.replaying = house, replaying
        self.key = house.key()
        self.clients = Clients(house.url, self.key)

    def row(self, number: str) -> dict:
        def rows():
            self.house.usage("team")  # brings the ledger up to date
            return records(self.house.directory, f"exchange = '{number}'")

        (row,) = eventually(rows)
        return row

    def rows_of(self, model: str) -> list[dict]:
        self.house.usage("team")
        return records(self.house.directory, f"route = '{model}'")


def configuration(replaying: Replaying, names: list[str]) -> str:
    providers = [
        f'  at-{dialect}: {{base_url: "{replaying.base(dialect)}", dialect: {dialect}, auth: null}}'
        for dialect in DIALECTS
    ]
    models = []
    for name in names:
        dialect = replaying.exchanges[name.partition("~")[0]].dialect
        alias = name.replace("~", ":")
        price = "{input: 1, cache_read: 0.1, output: 2}"
        models.append(f'  "{alias}": {{deployments: [{{provider: at-{dialect}, model: "{name}", price: {price}}}]}}')
    people = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}"
    return "\n".join(["providers:", *providers, "models:", *models, "llm: {policies: [{use: key_auth}]}", people, ""])


@pytest.fixture(scope="module")
def llm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dialects")
    with Replaying(EXCHANGES) as replaying:
        names = [one.name for one in EXCHANGES]
        names += [f"{one.name}~{fault}" for one in EXCHANGES if one.own and one.streamed for fault in BROKEN]
        write(folder, configuration(replaying, names))
        with House(folder) as house:
            made = Llm(house, replaying)
            yield made
            made.clients.close()


def matrix() -> list:
    """Every client at every exchange; in the quick run only our own exchanges and a sample of the recordings."""
    cells = []
    for number, one in enumerate(EXCHANGES):
        for place, client in enumerate(CLIENTS):
            quick = one.own or (number + place) % 9 == 0
            cells.append(pytest.param(client, one, id=f"{client}-{one.name}", marks=() if quick else pytest.mark.long))
    return cells


def expected(client: str, exchange: Replayed) -> Said:
    """What is in the recording, in the words of the client's dialect."""
    said = exchange.said
    said.finish = _SAID.get((client, said.finish), said.finish)
    return said


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # Mistral's content is a list
@pytest.mark.parametrize(("client", "exchange"), matrix())
def test_the_client_gets_what_was_recorded(llm, client, exchange):
    if exchange.status >= 400 or exchange.said.failed:
        with pytest.raises((openai.APIError, anthropic.APIError)):
            llm.clients.ask(client, exchange.name, stream=exchange.streamed)
        return
    wanted = expected(client, exchange)
    got = llm.clients.ask(client, exchange.name, stream=exchange.streamed)
    assert (got.said.text, got.said.calls, got.said.finish) == (wanted.text, wanted.calls, wanted.finish)
    if wanted.counted and passes(client, exchange.dialect):
        told = (wanted.input - wanted.beside[0], wanted.output - wanted.beside[1])
        assert (got.said.input, got.said.output) == told
    elif wanted.counted:
        assert (got.said.input, got.said.cached, got.said.output) == (wanted.input, wanted.cached, wanted.written)
    if not passes(client, exchange.dialect):
        assert "".join(got.said.thoughts.split()) == "".join(wanted.thoughts.split())  # parts may be set apart
    row = llm.row(got.number)
    assert (row["outcome"], row["streamed"]) == ("ok", int(exchange.streamed))
    if wanted.counted:
        read = sum(row[name] for name in ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h"))
        wrote = row["output_text"] + row["reasoning"]
        assert (read, row["cache_read"], wrote) == (wanted.input, wanted.cached, wanted.written)
        assert row["usage_source"] == "provider"


STREAMS = [one for one in own() if one.streamed]


@pytest.mark.parametrize("exchange", STREAMS, ids=[one.dialect for one in STREAMS])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("fault", BROKEN)
def test_an_error_inside_a_stream_is_raised_by_the_client_and_never_ends_well(llm, client, exchange, fault):
    with pytest.raises((openai.APIError, anthropic.APIError)):
        llm.clients.ask(client, f"{exchange.name}:{fault}", stream=True)
    rows = eventually(lambda: llm.rows_of(f"{exchange.name}:{fault}"))
    assert {row["outcome"] for row in rows} == {"failed"}
    assert all(row["output_text"] + row["reasoning"] > 0 for row in rows)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_cannot_carry_is_told(llm, dialect):
    raw = llm.clients.openai.chat.completions.with_raw_response.create(
        model=f"own-{dialect}-whole", messages=HELLO, logit_bias={"7": 1}, extra_body={"never_heard_of": True}
    )
    dropped = raw.headers.get("x-triplegate-dropped", "")
    sent = llm.replaying.asked[f"own-{dialect}-whole"][-1].json
    if dialect == "openai_chat":
        assert (dropped, sent["never_heard_of"], sent["logit_bias"]) == ("", True, {"7": 1})
    else:
        assert set(dropped.split(", ")) == {"logit_bias", "never_heard_of"}
        assert "never_heard_of" not in sent


class Weather(pydantic.BaseModel):
    city: str


@pytest.mark.parametrize("exchange", own(), ids=lambda one: one.name)
def test_the_chat_helpers_parse_a_tools_arguments(llm, exchange):
    tools = [openai.pydantic_function_tool(Weather, name="get_weather")]
    completions = llm.clients.openai.chat.completions
    if exchange.streamed:
        with completions.stream(model=exchange.name, messages=HELLO, tools=tools) as stream:
            for _ in stream:
                pass
            reply = stream.get_final_completion()
    else:
        reply = completions.parse(model=exchange.name, messages=HELLO, tools=tools)
    call = reply.choices[0].message.tool_calls[0]
    assert call.function.parsed_arguments == Weather(city="Paris")
    sent = llm.replaying.asked[exchange.name][-1].body
    assert b"get_weather" in sent


@pytest.mark.parametrize("exchange", own(), ids=lambda one: one.name)
def test_the_responses_helpers_parse_a_tools_arguments(llm, exchange):
    tools = [openai.pydantic_function_tool(Weather, name="get_weather")]
    tools = [{"type": "function", "strict": True, **tools[0]["function"]}]
    responses = llm.clients.openai.responses
    if exchange.streamed:
        with responses.stream(model=exchange.name, input="Hello", tools=tools) as stream:
            for _ in stream:
                pass
            reply = stream.get_final_response()
    else:
        reply = responses.parse(model=exchange.name, input="Hello", tools=tools)
    calls = [item for item in reply.output if item.type == "function_call"]
    assert json.loads(calls[0].arguments) == {"city": "Paris"}


def test_each_client_is_refused_in_its_own_words(llm):
    with pytest.raises(openai.NotFoundError) as chat:
        llm.clients.ask("chat", "nothing", stream=False)
    assert chat.value.code == "model_not_found"
    for stream in (False, True):
        with pytest.raises(anthropic.NotFoundError) as message:
            llm.clients.ask("messages", "nothing", stream=stream)
        assert message.value.body["type"] == "error"
        assert message.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.AuthenticationError) as stranger:
        anthropic.Anthropic(base_url=llm.house.url, api_key="wrong", max_retries=0).messages.create(
            model="own-gemini-whole", max_tokens=9, messages=HELLO
        )
    assert stranger.value.body["error"]["type"] == "authentication_error"
