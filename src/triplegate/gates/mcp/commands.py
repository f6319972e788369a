"""A server that is a command: run here, or by the worker of this node that runs them all."""

import hashlib
import shutil
from pathlib import Path

from triplegate.config.accounts import Account, account
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
from triplegate.upstreams.stdio_launch import launched
from triplegate.upstreams.stdio_program import Command
from triplegate.upstreams.stdio_reaper import Reaper
from triplegate.upstreams.stdio_remote import RemoteStdio

_TELLING = {"command", "env", "inherit", "directory", "processes", "limits", "user", "isolation"}


def key_of(name: str, document: ServerDocument) -> str:
    """Names a command as it is written: two that differ in anything are never the same processes."""
    written = document.model_dump_json(include=_TELLING)
    return f"{name}|command:{hashlib.sha256(written.encode()).hexdigest()[:32]}"


class CommandTransport(Transport):
    """Processes of one command."""

    __slots__ = ("_base", "_far", "_key", "place")
    local = True
    owned = True
    patience = 10.0  # it may have to be started first
    first_list = 20.0
    network = "pipe"

    def __init__(self, name: str, document: ServerDocument, kit: Kit) -> None:
        self._key = self.place = key_of(name, document)
        self._base = dispatch_of(document.waits)
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
        somebody = None if document.user is None else self._account(document.user)
        if somebody is not None and somebody.home and "HOME" in variables:
            variables["HOME"] = somebody.home
        for variable, value in document.env.items():
            variables[variable] = self._value(value, kit)
        program, *arguments = document.command
        found = program if "/" in program else shutil.which(program, path=variables.get("PATH", ""))
        directory = str(Path(kit.base, document.directory or "."))
        limits = {} if document.limits is None else document.limits.written()
        user = None if somebody is None else (somebody.uid, somebody.gid, somebody.groups)
        argv = launched((found or program, *arguments), limits, user)
        if document.user is not None and somebody is None:
            argv = ("",)  # what cannot be somebody else's is never ours
        return Command(name, argv, variables, directory, document.processes.line)

    def _account(self, text: str) -> Account | None:
        """None where it is gone since the configuration was read: nothing runs then."""
        try:
            return account(text)
        except ValueError as error:
            self.missing = str(error)
            return None

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
