"""What can go wrong with a command, as the sentence the operator reads."""

from collections.abc import Iterator
from contextlib import contextmanager


class Failed(Exception):
    """A command that ends with a sentence and a status."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


@contextmanager
def told() -> Iterator[None]:
    """Turn the failures of starting into sentences: configuration, ports, stores, files."""
    from triplegate.config.faults import ConfigError
    from triplegate.edge.listeners import PortTaken

    try:
        yield
    except ConfigError as error:
        count = len(error.faults)
        raise Failed(f"{error.excerpts()}\n{count} error{'s' if count != 1 else ''}: nothing was started") from None
    except PortTaken as error:
        raise Failed(
            f"{error}: stop that one, or choose another port (TRIPLEGATE_PORT, TRIPLEGATE_ADMIN_PORT)"
        ) from None
    except ConnectionError as error:
        raise Failed(str(error)) from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise Failed(f"{place}{error.strerror or error}") from None
    except Exception as error:
        if type(error).__name__ in ("DatabaseUnavailable", "DatabaseMismatch", "StartError"):
            raise Failed(str(error)) from None
        raise
