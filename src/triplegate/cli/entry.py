"""The command line: which commands there are, and what an exit status means (0 good, 1 refused or failed, 2 usage)."""

import sys
from collections.abc import Sequence

from triplegate import __version__
from triplegate.cli.failures import Failed

COMMANDS = ("demo", "init", "serve", "check", "explain", "key", "report")


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit status. Every failure is a sentence on stderr, never a stack trace."""
    from cyclopts import App, CycloptsError

    app = App(
        name="triplegate",
        help="API gateway, LLM gateway and MCP gateway in one process.\n\nStart with `triplegate demo`.",
        version=__version__,
        result_action="return_value",
        help_on_error=False,
    )
    for name in COMMANDS:
        app.command(f"triplegate.cli.{name}:{name}", name=name)
    try:
        status = app(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print(f"triplegate: {error}\nTry: triplegate --help", file=sys.stderr)
        return 2
    except Failed as failed:
        print(failed, file=sys.stderr)
        return failed.status
    except KeyboardInterrupt:
        return 130
    return status if isinstance(status, int) else 0
