"""Every way a provider fails, in every dialect: a healthy fallback answers unseen, else the client is told."""

import asyncio
import contextlib
from collections import Counter
from typing import Any

import openai
import pytest
from tests.chaos.failing import Cell, run
from tests.golden.exchanges import DIALECTS, own
from tests.journeys.replaying import FAULTS, Replaying
from tests.journeys.running import House, eventually, records, write
from tests.servers.aimock import aimock

WANTED = "Let me see, Zoë."
ELSEWHERE = ("dns", "tls")
"""Faults before there is a provider at all."""
LATE = ("stall-late", "cut-late", "inband-late", "malformed-late")
"""Faults after a part of the answer was given: nobody can take over then."""
PROVIDER = """
  {name}:
    base_url: {base}
    dialect: {dialect}
    auth: null
    first_token: {wait}
    timeouts: {{connect: 2s, first_byte: {wait}, idle: {wait}, total: 10s}}
"""
TOLD = {
    "401": {"502"},
    "429": {"429"},
    "500": {"500", "502"},
    "slow": {"504"},
    "stall": {"504"},
    "cut": {"502"},
    "inband": {"500", "502"},
    "malformed": {"502"},
    "html": {"502"},
    "gzip": {"ok"},
    "dns": {"502", "503"},
    "tls": {"502", "503"},
    "stall-late": {"in-band"},
    "cut-late": {"in-band"},
    "inband-late": {"in-band"},
    "malformed-late": {"in-band"},
}
"""What the client may be told where nobody else can answer."""


def cells_of(dialect: str) -> list[Cell]:
    return [
        Cell(dialect, fault, streamed, saved)
        for fault in (*FAULTS, *ELSEWHERE)
        for streamed in (False, True)
        for saved in (False, True)
    ] + [Cell(dialect, fault, True, True) for fault in LATE]


def configuration(bases: dict[str, str], port: int) -> str:
    """A model for every cell of these dialects; `port` is one where nobody speaks TLS."""
    providers, models = [], []
    for dialect, base in bases.items():
        places = {
            "well": base,
            "at": base,
            "dead": base,
            "dns": "http://nowhere.invalid/v1",
            "tls": f"https://127.0.0.1:{port}/v1",
        }
        providers += [
            PROVIDER.format(
                name=f"{name}-{dialect}", base=place, dialect=dialect, wait="5s" if name == "well" else "300ms"
            )
            for name, place in places.items()
        ]
        for form in ("stream", "whole"):
            place = f"{{provider: well-{dialect}, model: own-{dialect}-{form}}}"
            models.append(f"  own-{dialect}-{form}: {{deployments: [{place}]}}")
        models += [_model(cell) for cell in cells_of(dialect)]
    people = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}"
    return "\n".join(["providers:", *providers, "models:", *models, "llm: {policies: [{use: key_auth}]}", people, ""])


def _model(cell: Cell) -> str:
    form = "stream" if cell.streamed else "whole"
    well = f"own-{cell.dialect}-{form}"
    provider = {"401": "dead", "dns": "dns", "tls": "tls"}.get(cell.fault, "at")
    place = f'{{provider: {provider}-{cell.dialect}, model: "{well}~{cell.fault}"}}'
    return f"  {cell.model}: {{deployments: [{place}], fallback: [{well if cell.saved else ''}]}}"


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("failures")
    with Replaying(own()) as replaying:
        write(folder, configuration({dialect: replaying.base(dialect) for dialect in DIALECTS}, replaying.port))
        with House(folder) as house:
            yield house, replaying


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_failure_is_mended_or_told(failing, dialect):
    house, replaying = failing
    times = 5 if dialect == "openai_chat" else 1
    key = await asyncio.to_thread(house.key)
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0, timeout=30) as client:
        seen = await run(client, cells_of(dialect), times, WANTED)
    assert not unexpected(seen)
    forms = {(cell.streamed, cell.fault) for cell in seen if cell.fault not in ELSEWHERE}
    named = {f"own-{dialect}-{'stream' if streamed else 'whole'}~{fault}" for streamed, fault in forms}
    assert named <= replaying.asked.keys()
    await asyncio.to_thread(one_record_each, house, seen)


def unexpected(seen: dict[Cell, Counter[str]]) -> dict[str, dict[str, int]]:
    """The cells with an outcome that should not be."""
    wrong = {}
    for cell, outcomes in seen.items():
        allowed = {"ok"} if cell.saved and cell.fault not in LATE else TOLD[cell.fault]
        if bad := {outcome: count for outcome, count in outcomes.items() if outcome not in allowed}:
            wrong[cell.model] = bad
    return wrong


def how(row: dict) -> str:
    """A provider's refusal that passed is an answer, too, but not a good one."""
    return "ok" if row["outcome"] == "ok" and row["status"] < 400 else "failed"


def one_record_each(house: House, seen: dict[Cell, Counter[str]]) -> None:
    """Every call is one row, and it says how the call went."""
    wanted = {
        (cell.model, result): count
        for cell, outcomes in seen.items()
        for result, count in (("ok", outcomes["ok"]), ("failed", outcomes.total() - outcomes["ok"]))
        if count
    }
    differing: dict[tuple[str, str], int] = {}

    def agree() -> bool:
        house.usage("team")  # brings the ledger up to date
        found = Counter([(row["route"], how(row)) for row in records(house.directory)])
        differing.clear()
        differing.update({cell: found[cell] for cell, count in wanted.items() if found[cell] != count})
        return not differing

    with contextlib.suppress(AssertionError):
        eventually(agree)
    assert not differing


# thousands of calls ---------------------------------------------------------------------------------------------
async def many(house: House, cells: list[Cell], times: int, slow: float = 0) -> None:
    """So many calls a cell: a healthy fallback saves 99.9 % of them, none hangs, each is one row.

    `slow` is the share that may meet a provider which does not keep our times on a busy machine.
    """
    key = await asyncio.to_thread(house.key)
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0, timeout=30) as client:
        seen = await run(client, cells, times, WANTED)
    saved = sum((outcomes for cell, outcomes in seen.items() if cell.saved and cell.fault not in LATE), Counter())
    assert saved["ok"] >= 0.999 * saved.total(), unexpected(seen)
    alone = {cell: outcomes for cell, outcomes in seen.items() if not cell.saved or cell.fault in LATE}
    odd = unexpected(alone)
    assert sum(told.pop("504", 0) for told in odd.values()) <= slow * times * len(cells)
    assert not [told for told in odd.values() if told], odd
    assert not [cell for cell, outcomes in seen.items() if outcomes["hung"]]
    await asyncio.to_thread(one_record_each, house, seen)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_thousands_of_failures_are_mended_or_told(tmp_path):
    with Replaying(own()) as replaying:
        write(tmp_path, configuration({"openai_chat": replaying.base("openai_chat")}, replaying.port))
        with House(tmp_path) as house:
            await many(house, cells_of("openai_chat"), 200)


# a provider that nobody here wrote ------------------------------------------------------------------------------
PATHS = {
    "openai_chat": "/v1",
    "openai_responses": "/v1",
    "anthropic_messages": "/v1",
    "gemini": "/v1beta",
    "bedrock_converse": "",
    "cohere": "/v2",
}
FOREIGN: dict[str, dict[str, Any]] = {
    "401": {"response": {"error": {"message": "wrong key", "type": "authentication_error"}, "status": 401}},
    "429": {"chaos": {"rateLimitRate": 1}},
    "500": {"chaos": {"dropRate": 1}},
    "slow": {"chaos": {"latencyMs": 2000}},
    "cut": {"chaos": {"disconnectRate": 1}},
    "malformed": {"chaos": {"malformedRate": 1}},
}
"""What aimock can do of the faults, whole and streamed."""
STREAMED: dict[str, dict[str, Any]] = {
    "stall": {"recordedTimings": {"ttftMs": 0, "interChunkDelaysMs": [2000]}},
    "stall-late": {"recordedTimings": {"ttftMs": 0, "interChunkDelaysMs": [0, 0, 2000]}},
    "cut-late": {"latency": 100, "truncateAfterChunks": 3},
}
"""What it can do to a stream of `openai_chat`, whose second piece is the first of the text."""


def fixtures() -> list[dict[str, Any]]:
    """Its answers to every model; the faults first."""
    well = {"response": {"content": WANTED}, "chunkSize": 4}
    faults = {**{f"~{fault}": well | said for fault, said in (FOREIGN | STREAMED).items()}, "": well}
    return [
        {"match": {"model": f"own-{dialect}-{form}{suffix}"}} | said
        for suffix, said in faults.items()
        for dialect in DIALECTS
        for form in ("stream", "whole")
    ]


def foreign(dialect: str) -> list[Cell]:
    """The cells of a dialect that aimock can play."""
    faults = {*FOREIGN, *ELSEWHERE}
    streamed = STREAMED if dialect == "openai_chat" else {}
    return [cell for cell in cells_of(dialect) if cell.fault in faults or (cell.streamed and cell.fault in streamed)]


@pytest.mark.parametrize(
    ("times", "others"), [(5, 0), pytest.param(200, 20, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)
async def test_failures_of_a_provider_nobody_here_wrote_are_mended_or_told(tmp_path, pytestconfig, times, others):
    folder = pytestconfig.cache.mkdir("aimock")
    server = await asyncio.to_thread(aimock, fixtures(), folder, install=others > 0)
    try:
        bases = {dialect: f"http://127.0.0.1:{server.port}{path}" for dialect, path in PATHS.items()}
        write(tmp_path, configuration(bases, server.port))
        with House(tmp_path) as house:
            for dialect in DIALECTS if others else ["openai_chat"]:
                await many(house, foreign(dialect), times if dialect == "openai_chat" else others, slow=0.01)
    finally:
        await asyncio.to_thread(server.stop)
