"""The command line: which commands there are, and what an exit status means (0 good, 1 refused or failed, 2 usage)."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from triplegate import __version__
from triplegate.cli.failures import Failed, os_sentence, unforeseen

COMMANDS = {
    "demo": "Run the three gates on sample upstreams, with a key and lines to paste.",
    "init": "Write a commented starter configuration.",
    "serve": "Run the gateway in the foreground.",
    "check": "Say everything that is wrong with a configuration, with its place.",
    "explain": "Show what would become of a request, step by step; nothing is sent.",
    "key": "Create, list and revoke virtual keys.",
    "mcp": "List, call and inspect MCP tools; approve definitions and calls that wait.",
    "embed": "Prepare the embedding model of semantic caching.",
    "report": "Say what was used and what it cost, from the ledger.",
}
"""Command → what it is for, in a line: `--help` lists them without importing them."""


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
    for place, (name, purpose) in enumerate(COMMANDS.items()):
        own = name in arguments[:1]  # its own help says more
        app.command(f"triplegate.cli.{name}:{name}", name=name, help=None if own else purpose, sort_key=place)
    try:
        return _run(app, arguments)
    except CycloptsError as error:
        print(f"triplegate: {error}\nTry: triplegate --help", file=sys.stderr)
        return 2
    except Failed as failed:
        print(failed, file=sys.stderr)
        return failed.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `triplegate key list | head`: whoever read us has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(os_sentence(error), file=sys.stderr)
        return 1
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        print(unforeseen(error), file=sys.stderr)
        return 1


def _run(app: Any, arguments: Sequence[str]) -> int:
    status = app(list(arguments), exit_on_error=False, print_error=False)
    sys.stdout.flush()
    return status if isinstance(status, int) else 0
