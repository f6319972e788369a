"""What can go wrong with a command, as the sentence the operator reads."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from triplegate.cli.paint import paint

if TYPE_CHECKING:
    from triplegate.config.faults import ConfigError, ConfigFault


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
        raise Failed(f"{faults_text(error, sys.stderr)}: nothing was started") from None
    except PortTaken as error:
        raise Failed(
            f"{error}: stop that one, or choose another port (TRIPLEGATE_PORT, TRIPLEGATE_ADMIN_PORT)"
        ) from None
    except ConnectionError as error:
        raise Failed(str(error) or type(error).__name__) from None
    except OSError as error:
        raise Failed(os_sentence(error)) from None
    except Exception as error:
        if type(error).__name__ in ("DatabaseUnavailable", "DatabaseMismatch", "StartError"):
            raise Failed(str(error)) from None
        raise


def faults_text(error: "ConfigError", stream: TextIO) -> str:
    """Everything that is wrong, with lines and carets on a terminal, one line each in a pipe; at last how many."""
    count = len(error.faults)
    lines = [_fault_text(fault, stream) for fault in error.faults]
    return "\n".join([*lines, f"{count} error{'s' if count != 1 else ''}"])


def _fault_text(fault: "ConfigFault", stream: TextIO) -> str:
    if not stream.isatty():
        return str(fault)
    _, *shown = fault.excerpt().split("\n")
    source = [paint(line, "dim" if number == 0 else "yellow", stream) for number, line in enumerate(shown)]
    return "\n".join([f"{paint(str(fault.position), 'bold', stream)} {paint(fault.message, 'red', stream)}", *source])


def os_sentence(error: OSError) -> str:
    """What the operating system refused, and where."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or str(error) or type(error).__name__}"


def unforeseen(error: Exception) -> str:
    """A failure nobody thought of: what and where, for a bug report."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error) or "no message"
    return (
        f"triplegate: unexpected {type(error).__name__}: {said} ({where.filename}:{where.lineno})\n"
        "This is a bug; `python -X dev -m triplegate …` shows the whole trace."
    )
