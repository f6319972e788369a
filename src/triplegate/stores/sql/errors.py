"""The database cannot be used now: what happened and what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_PASSING = ("08", "53", "55", "57", "58", "40", "28", "3D")
"""Classes of SQLSTATE that say nothing against the statement: connection, resources, locks, shutdown, I/O, login."""
_REMEDIES = (
    ("database is locked", "Another process writes to it: stop that one, or use PostgreSQL for more than one node."),
    ("unable to open", "Make the directory of the file, writable for this user."),
    ("readonly", "Make the file and its directory writable for this user."),
    ("read-only", "Point `store.url` at the primary, or let the disk be written."),
    ("disk is full", "Make room on the disk; writing goes on by itself."),
    ("malformed", "The file is damaged: restore it, or move it away and let the spool fill a new one."),
    ("not a database", "The file is not SQLite: correct `store.url`."),
    ("no such table", "It lacks our tables: start the gateway on it once, that makes them."),
    ("password", "Correct user and password in `store.url`."),
    ("does not exist", "Create the database or the role that `store.url` names."),
    ("too many", "Raise max_connections, or put fewer workers on this database."),
    ("queuepool", "All our connections are busy: the database is slow, or this process is overloaded."),
)
_DEFAULT_REMEDY = "Start it, or correct `store.url`; what is charged meanwhile waits in the spool."


class DatabaseUnavailable(Exception):
    """Unreachable, locked or too slow; `remedy` is one sentence for the operator. Worth trying again later."""

    def __init__(self, what: str, remedy: str = _DEFAULT_REMEDY) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


class DatabaseMismatch(Exception):
    """The database's schema is newer than this program, or not ours. Trying again will not help."""


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn what SQLAlchemy, its drivers and sockets raise about availability into DatabaseUnavailable."""
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        if not _passing(error):
            raise
        raise _unavailable(place, error) from error
    except Exception as error:
        # asyncpg's own errors come bare while it connects
        if not type(error).__module__.startswith("asyncpg"):
            raise
        raise _unavailable(place, error) from error


def _passing(error: Exception) -> bool:
    if not isinstance(error, DBAPIError):
        return isinstance(error, (OSError, TimeoutError, PoolTimeout))
    state = getattr(error.orig, "sqlstate", None) or ""
    if state:
        return str(state).startswith(_PASSING)
    # SQLite has no states; a driver without one lost its connection
    name = type(error.orig).__name__
    return error.connection_invalidated or name in {"OperationalError", "DatabaseError", "InterfaceError"}


def _unavailable(place: str, error: Exception) -> DatabaseUnavailable:
    cause = getattr(error, "orig", None) or error
    text = f"{type(cause).__name__}: {cause}".splitlines()[0]
    lower = text.lower()
    remedy = next((remedy for word, remedy in _REMEDIES if word in lower), _DEFAULT_REMEDY)
    return DatabaseUnavailable(f"The database {place} cannot be used ({text})", remedy)
