"""The `triplegate` command."""

import sys


def main() -> int:
    """Run the command line; the exit status."""
    from triplegate.cli.entry import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
