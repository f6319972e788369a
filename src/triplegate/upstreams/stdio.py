"""A command that speaks MCP on its standard input and output, called as if it were an HTTP server."""

from triplegate.upstreams.peer import Link, Peer
from triplegate.upstreams.peers import PeerHost, Terms
from triplegate.upstreams.stdio_program import Command, Program
from triplegate.upstreams.stdio_reaper import Reaper


class StdioServer(PeerHost):
    """All processes of one command: one for each owner."""

    what = "processes"

    def __init__(self, command: Command, terms: Terms, reaper: Reaper) -> None:
        super().__init__(command.label, terms)
        self.command = command
        self._reaper = reaper

    async def _begin(self, peer: Peer) -> Link:
        return await Program.start(self.command, peer, self._reaper)
