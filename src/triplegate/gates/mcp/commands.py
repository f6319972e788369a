"""A server that is a command: run here, or by the worker of this node that runs them all."""

import hashlib
import shutil
from pathlib import Path

from triplegate.config.documents_mcp import ServerDocument
from triplegate.config.environment import environment
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.gates.mcp.transport import Transport
from triplegate.upstreams.peers import Terms
from triplegate.upstreams.reach import dispatch_of
from triplegate.upstreams.stdio import StdioServer
from triplegate.upstreams.stdio_program import Command
from triplegate.upstreams.stdio_reaper import Reaper
from triplegate.upstreams.stdio_remote import RemoteStdio


def key_of(name: str, document: ServerDocument) -> str:
    """Names a command as it is written: two that differ in anything are never the same processes."""
    written = document.model_dump_json(include={"command", "env", "inherit", "directory", "processes", "isolation"})
    return f"{name}|command:{hashlib.sha256(written.encode()).hexdigest()[:32]}"


class CommandTransport(Transport):
    """Processes of one command."""

    __slots__ = ("_base", "_far", "_key", "place")
    local = True
    owned = True
    patience = 10.0  # it may have to be started first
    first_list = 20.0

    def __init__(self, name: str, document: ServerDocument, kit: Kit) -> None:
        self._key = self.place = key_of(name, document)
        self._base = dispatch_of(document.waits)
    network = "pipe"
        self.missing = ""
        self._far: StdioServer | RemoteStdio
        if kit.stdio:
            self._far = RemoteStdio(Path(kit.stdio))
            return
        command = self._command(name, document, kit)
        reaper = kit.state(Reaper, "", Reaper)
        written = document.processes
        terms = Terms(written.most, written.idle, written.lifetime, kept=document.isolation != "session")
        self._far = kit.state(StdioServer, self._key, lambda: StdioServer(command, terms, reaper))
        self._far.command = command  # a secret may have been changed

    def _command(self, name: str, document: ServerDocument, kit: Kit) -> Command:
        assert document.command is not None
        ours = environment()
        variables = {variable: ours[variable] for variable in document.inherit if variable in ours}
        for variable, value in document.env.items():
            variables[variable] = self._value(value, kit)
        program, *arguments = document.command
        found = program if "/" in program else shutil.which(program, path=variables.get("PATH", ""))
        directory = str(Path(kit.base, document.directory or "."))
        return Command(name, (found or program, *arguments), variables, directory, document.processes.line)

    def dispatch(self) -> Dispatch:
        """As the document says."""
        return self._base

    async def send(
        self,
        method: str,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        exchange: Exchange | None,
        owner: str,
    ) -> Reply:
        """What the process says to it."""
        if isinstance(self._far, RemoteStdio):
            return await self._far.send(self._key, method, headers, body, dispatch, deadline, owner)
        return await self._far.send(method, headers, body, dispatch, deadline, owner)
