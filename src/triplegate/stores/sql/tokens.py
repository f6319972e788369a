"""Tokens of the control plane, durable: digests, never tokens."""

import builtins
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.keys import names_of, names_text
from triplegate.stores.sql.tables import tokens

T = TypeVar("T", bound=msgspec.Struct)


class SqlTokenStore(Generic[T]):
    """Keeps tokens as `kind`, the control plane's struct whose fields are the columns. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, kind: type[T]) -> None:
        self._database, self._kind = database, kind

    async def create(self, record: T) -> None:
        """Keep a new token. Raises ValueError when the id is taken."""
        row = msgspec.structs.asdict(record)
        row["roles"] = names_text(row["roles"])
        added = self._database.insert(tokens).values(**row).on_conflict_do_nothing().returning(tokens.c.token_id)
        async with self._database.writing() as connection:
            if (await connection.execute(added)).scalar() is None:
                raise ValueError(f"a token {row['token_id']} exists already")

    async def find(self, token_id: str) -> T | None:
        """The token of that id, revoked and expired ones included."""
        async with self._database.reading() as connection:
            row = (await connection.execute(sa.select(tokens).where(tokens.c.token_id == token_id))).first()
        return self._record(row) if row is not None else None

    async def list(self) -> builtins.list[T]:
        """All tokens, oldest first."""
        async with self._database.reading() as connection:
            found = await connection.execute(sa.select(tokens).order_by(tokens.c.created, tokens.c.token_id))
            return [self._record(row) for row in found]

    async def revoke(self, token_id: str, at: float) -> bool:
        """Revoke at Unix time `at`; False when unknown or revoked already: of two who try at once, one gets True."""
        living = sa.update(tokens).where(tokens.c.token_id == token_id, tokens.c.revoked.is_(None))
        async with self._database.writing() as connection:
            done = await connection.execute(living.values(revoked=at))
            return bool(done.rowcount)

    def _record(self, row: Any) -> T:
        fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        fields["roles"] = names_of(fields["roles"])
        return self._kind(**fields)
