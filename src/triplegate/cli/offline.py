"""The durable store while no gateway runs: keys and reports straight from the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from triplegate.cli.failures import Failed, told
from triplegate.cli.place import Place

if TYPE_CHECKING:
    from triplegate.config.load import Loaded
    from triplegate.core.identity import KeyRecord
    from triplegate.stores.spool_drain import DrainLedger
    from triplegate.stores.sql.store import SqlStore

T = TypeVar("T")


def loaded_of(place: Place) -> "Loaded":
    """The configuration of a place. Raises Failed."""
    from triplegate.config.load import load
    from triplegate.policies import registry

    with told():
        return load(place.config, registry(), environment=place.environment)


def with_store(loaded: "Loaded", work: "Callable[[SqlStore[Any]], Awaitable[T]]") -> T:
    """Open the store that the settings name, do `work`, close it. Raises Failed."""
    from triplegate.control.view import AdminToken
    from triplegate.core.clock import SystemClock
    from triplegate.stores.sql.store import SqlStore

    loaded.settings.state_path.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def run() -> T:
        store = SqlStore(loaded.settings.store_url.reveal(), SystemClock(), AdminToken)
        try:
            await store.open(2.0)
            return await work(store)
        finally:
            await store.close()

    with told():
        return asyncio.run(run())


async def waiting(directory: Path, ledger: "DrainLedger") -> int:
    """Records in the spool that are not in the ledger yet; reads only. A gateway books them when it starts."""
    from triplegate.stores.spool_adopt import LANES
    from triplegate.stores.spool_drain import read_stretch
    from triplegate.stores.spool_lane import Segment

    count, open_calls = 0, set[str]()
    for path in sorted(path for lane in LANES for path in (directory / lane).glob("*.spool")):
        segment = Segment(path, path.stat().st_size)
        have, at = await ledger.drained(segment.name), 0
        while at < segment.size:
            upto = have if at < have else segment.size
            step, at = read_stretch(Segment(path, upto), at, sealed=True, limit=1_000)
            open_calls |= {intent.exchange for intent in step.intents}
            open_calls -= {record.exchange for record in step.records if record.kind != "interim"}
            count += len(step.records) if at > have else 0
    return count + len(open_calls)


NO_PLAN = "No such plan in this configuration."


class OfflineKeys:
    """Keys in the database, in the shape the admin API gives them."""

    def __init__(self, place: Place) -> None:
        self._loaded = loaded_of(place)

    def create(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Create a key for a consumer that the configuration has."""
        from triplegate.config.documents_budgets import BudgetTerms, budget_text
        from triplegate.config.pepper import load_pepper
        from triplegate.core.identity import KeyRecord, digest_key, new_key

        org = self._loaded.documents.orgs.get(wanted["org"])
        team = org.teams.get(wanted["team"]) if org is not None else None
        if team is None or wanted["consumer"] not in team.consumers:
            raise Failed("No such org, team or consumer.")
        if wanted["plan"] and wanted["plan"] not in self._loaded.documents.plans:
            raise Failed(NO_PLAN)
        with told():
            pepper = load_pepper(self._loaded.settings)
        text, key_id = new_key(wanted["env"])
        expires = wanted.get("expires")
        record = KeyRecord(
            key_id,
            digest_key(pepper, text),
            wanted["org"],
            wanted["team"],
            wanted["consumer"],
            wanted["plan"],
            scopes=frozenset(wanted["scopes"]),
            name=wanted["name"],
            created=time.time_ns() / 1e9,
            expires=datetime.fromisoformat(expires).timestamp() if expires else None,
            budget=budget_text(tuple(BudgetTerms.model_validate(one) for one in wanted.get("budget", ()))),
        )
        with_store(self._loaded, lambda store: store.index.create(record))
        return {**_view(record), "key": text}

    def list(self, team: str | None) -> Sequence[dict[str, Any]]:
        """All keys, or those of one team."""
        return [_view(record) for record in with_store(self._loaded, lambda store: store.index.list(team))]

    def revoke(self, key_id: str) -> bool:
        """Whether there is a key of that id; it is revoked now, if it was not before."""

        async def end(store: "SqlStore[Any]") -> bool:
            if await store.index.revoke(key_id, time.time_ns() / 1e9):
                return True
            return any(one.key_id == key_id for one in await store.index.list())

        return with_store(self._loaded, end)


def _view(record: "KeyRecord") -> dict[str, Any]:
    return {
        "key_id": record.key_id,
        "org": record.org,
        "team": record.team,
        "consumer": record.consumer,
        "name": record.name,
        "plan": record.plan,
        "created": _moment(record.created),
        "expires": _moment(record.expires),
        "revoked": _moment(record.revoked),
    }


def _moment(seconds: float | None) -> str | None:
    return None if not seconds else datetime.fromtimestamp(seconds, UTC).isoformat()
