"""`triplegate mcp`: tool definitions and calls that wait for approval, what they are, and the decision."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from cyclopts import App, Parameter

from triplegate.cli.admin import Admin, running
from triplegate.cli.failures import Failed
from triplegate.cli.place import find_place
from triplegate.cli.tables import Format, put, render

mcp = App(name="mcp", help="MCP servers and their tools, through the gateway that runs.")
mcp.command("triplegate.cli.mcp_use:list_items", name="list")
mcp.command("triplegate.cli.mcp_use:call", name="call")
mcp.command("triplegate.cli.mcp_use:inspect", name="inspect")

Config = Annotated[Path | None, Parameter(help="Directory or file of the configuration.")]
Server = Annotated[str, Parameter(help="Server, by its name in the configuration.")]
Names = Annotated[tuple[str, ...], Parameter(help="Tools by their names at the server.")]
Call = Annotated[str, Parameter(help="Id of the call, as `triplegate mcp approvals` shows it.")]
_COLUMNS = ("server", "tool", "standing", "change", "findings", "fingerprint", "first_seen", "actor")
_ASKED = ("id", "tool", "team", "consumer", "by", "state", "until", "arguments", "actor")


@mcp.command
def pins(
    *,
    standing: Annotated[Literal["new", "approved", "rejected"] | None, Parameter(help="Only these.")] = None,
    form: Annotated[Format, Parameter(name="--format", help="table, csv or json.")] = "table",
    output: Annotated[Path | None, Parameter(help="Write to this file.")] = None,
    config: Config = None,
) -> int:
    """List tool definitions, those that wait for a decision first."""
    query = {} if standing is None else {"standing": standing}
    found = _admin(config).call("GET", "/mcp/pins", query=query)
    put(render(_COLUMNS, [_row(one) for one in found], form, bold_head=output is None), output)
    return 0


@mcp.command
def diff(server: Server, tools: Names = (), *, config: Config = None) -> int:
    """Show what changed in definitions that wait, and what is suspicious about them; without names: in all."""
    admin = _admin(config)
    for place, one in enumerate(_waiting(admin, server, tools)):
        query = {name: one[name] for name in ("server", "tool", "fingerprint")}
        told = admin.call("GET", "/mcp/pins/diff", query=query)
        print("\n" * bool(place) + "\n".join(_lines(told)))
    return 0


@mcp.command
def approve(
    server: Server,
    tools: Names = (),
    *,
    every: Annotated[bool, Parameter(name="--all", help="Every definition of the server that waits.")] = False,
    suspicious: Annotated[bool, Parameter(help="Also those with findings, after reading them.")] = False,
    reject: Annotated[bool, Parameter(help="Reject them instead; they are not asked about again.")] = False,
    config: Config = None,
) -> int:
    """Approve definitions that wait, as they are now; a later change waits again."""
    if bool(tools) == every:
        raise Failed("name the tools, or say --all", 2)
    admin = _admin(config)
    left = 0
    for one in _waiting(admin, server, tools):
        if one["findings"] and not suspicious and not reject:
            left += 1
            print(f"left waiting {server} {one['shown']}: {_found(one)}")
            continue
        standing = "rejected" if reject else "approved"
        body = {name: one[name] for name in ("server", "tool", "fingerprint")}
        admin.call("POST", "/mcp/pins", body={**body, "standing": standing})
        print(f"{standing} {server} {one['shown']} {one['fingerprint'][:12]}")
    if left:
        print("Read `triplegate mcp diff` and say --suspicious to approve these too.")
    return 1 if left else 0


@mcp.command
def approvals(
    *,
    every: Annotated[bool, Parameter(name="--all", help="Also those decided lately.")] = False,
    form: Annotated[Format, Parameter(name="--format", help="table, csv or json.")] = "table",
    output: Annotated[Path | None, Parameter(help="Write to this file.")] = None,
    config: Config = None,
) -> int:
    """List calls that wait for a person's yes; those `by` an admin are decided here, others by whoever called."""
    found = [one for one in _admin(config).call("GET", "/mcp/approvals") if every or one["state"] == "waiting"]
    put(render(_ASKED, [_asked(one) for one in found], form, bold_head=output is None), output)
    return 0


@mcp.command
def approve_call(call: Call, *, config: Config = None) -> int:
    """Let a call that waits for an admin be made, once."""
    return _decide(call, config, approve=True)


@mcp.command
def decline_call(call: Call, *, config: Config = None) -> int:
    """Refuse a call that waits for an admin."""
    return _decide(call, config, approve=False)


def _decide(call: str, config: Path | None, *, approve: bool) -> int:
    done = _admin(config).call("POST", f"/mcp/approvals/{quote(call, safe='')}", body={"approve": approve})
    print(f"{done['state']} {done['id']} {done['tool']} of {done['org']}/{done['team']}/{done['consumer']}")
    return 0


def _asked(one: dict[str, Any]) -> list[object]:
    arguments = " ".join(one["arguments"].split()) or f"sha256 {one['digest'][:12]}"
    told = {**one, "team": f"{one['org']}/{one['team']}", "by": one["ask"], "arguments": arguments}
    return [told[column] for column in _ASKED]


def _admin(config: Path | None) -> Admin:
    admin = running(find_place(config))
    if admin is None:
        raise Failed("no gateway runs on this configuration: servers are asked by one that does")
    return admin


def _waiting(admin: Admin, server: str, tools: Sequence[str]) -> list[dict[str, Any]]:
    """What the server has now and nobody decided on. Raises Failed where that is nothing."""
    found = admin.call("GET", "/mcp/pins", query={"standing": "new"})
    mine = [one for one in found if one["server"] == server and one["current"]]
    missing = [name for name in tools if name not in {one["tool"] for one in mine}]
    if missing:
        raise Failed(f"no definition of {', '.join(missing)} at {server} waits; see `triplegate mcp pins`")
    if not mine:
        raise Failed(f"no definition at {server} waits; see `triplegate mcp pins`")
    return [one for one in mine if not tools or one["tool"] in tools]


def _row(one: dict[str, Any]) -> list[object]:
    told = {**one, "tool": one["shown"], "findings": _kinds(one), "fingerprint": one["fingerprint"][:12]}
    return [told[column] for column in _COLUMNS]


def _kinds(one: dict[str, Any]) -> str:
    return ", ".join(dict.fromkeys(found["kind"] for found in one["findings"])) or "-"


def _found(one: dict[str, Any]) -> str:
    return "; ".join(f"{found['kind']} at {found['place'] or '/'}: {found['text']}" for found in one["findings"])


def _lines(told: dict[str, Any]) -> list[str]:
    pin = told["pin"]
    against = f"against {told['before'][:12]}" if told["before"] else "nothing of it was approved before"
    lines = [f"{pin['server']} {pin['shown']} {pin['fingerprint'][:12]} ({against})"]
    lines += [f"  ! {found['kind']} at {found['place'] or '/'}: {found['text']}" for found in pin["findings"]]
    for change in told["changes"]:
        lines.append(f"  {change['place'] or '/'}")
        lines += [f"  - {line}" for line in change["before"].splitlines()]
        lines += [f"  + {line}" for line in change["after"].splitlines()]
    return lines
