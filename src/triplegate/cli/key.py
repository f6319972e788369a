"""`triplegate key`: create, list and revoke virtual keys."""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from triplegate.cli.admin import running
from triplegate.cli.failures import Failed
from triplegate.cli.offline import OfflineKeys
from triplegate.cli.place import find_place
from triplegate.cli.tables import Format, put, render
from triplegate.core.calendar import Unit

key = App(name="key", help="Create, list and revoke virtual keys; works at once on the gateway that runs.")

Config = Annotated[Path | None, Parameter(help="Directory or file of the configuration.")]
_COLUMNS = ("key_id", "org", "team", "consumer", "name", "plan", "created", "expires", "revoked")


@key.command
def create(  # noqa: PLR0913 - one option each
    *,
    org: Annotated[str, Parameter(help="Org of the consumer.")],
    team: Annotated[str, Parameter(help="Team that pays.")],
    consumer: Annotated[str, Parameter(help="Person, app or agent.")],
    name: Annotated[str, Parameter(help="A label.")] = "",
    plan: Annotated[str, Parameter(help="Plan instead of the consumer's.")] = "",
    scope: Annotated[tuple[str, ...], Parameter(help="Scope; repeat for several.")] = (),
    expires: Annotated[datetime | None, Parameter(help="When it ends, e.g. 2027-01-31.")] = None,
    env: Annotated[str, Parameter(help="The middle of tg_<env>_…")] = "live",
    budget: Annotated[Decimal | None, Parameter(help="US dollars it may spend in the window of --per.")] = None,
    per: Annotated[Unit, Parameter(help="Window of --budget.")] = "month",
    config: Config = None,
) -> int:
    """Create a key and print it: this is the only time that it is shown."""
    if not re.fullmatch("[a-z]{2,8}", env):
        raise Failed(f"--env takes 2 to 8 small letters, not '{env}'", 2)
    place = find_place(config)
    wanted: dict[str, Any] = {
        "org": org,
        "team": team,
        "consumer": consumer,
        "name": name,
        "plan": plan,
        "scopes": list(scope),
        "env": env,
    }
    if budget is not None:
        if not 0 < budget <= 1_000_000:
            raise Failed("--budget takes US dollars, more than 0 and at most 1000000", 2)
        wanted["budget"] = [{"money": str(budget), "per": per}]
    if expires is not None:
        wanted["expires"] = expires.astimezone().isoformat()
    admin = running(place)
    made = OfflineKeys(place).create(wanted) if admin is None else admin.call("POST", "/keys", body=wanted)
    print(made["key"])
    return 0


@key.command(name="list")
def list_keys(
    *,
    team: Annotated[str | None, Parameter(help="Keys of this team only.")] = None,
    form: Annotated[Format, Parameter(name="--format", help="table, csv or json.")] = "table",
    output: Annotated[Path | None, Parameter(help="Write to this file.")] = None,
    config: Config = None,
) -> int:
    """List keys, revoked ones included; never their secrets."""
    place = find_place(config)
    admin = running(place)
    query = {} if team is None else {"team": team}
    found = OfflineKeys(place).list(team) if admin is None else admin.call("GET", "/keys", query=query)
    put(
        render(_COLUMNS, [[one[column] for column in _COLUMNS] for one in found], form, bold_head=output is None),
        output,
    )
    return 0


@key.command
def revoke(
    key_id: Annotated[str, Parameter(help="The 10 characters of the key's id.")], *, config: Config = None
) -> int:
    """Revoke a key: the gateway that runs refuses it at once, its other workers within 5 s."""
    place = find_place(config)
    admin = running(place)
    if admin is None:
        if not OfflineKeys(place).revoke(key_id):
            raise Failed(f"there is no key {key_id}")
    else:
        admin.call("DELETE", f"/keys/{quote(key_id, safe='')}")
    print(f"revoked {key_id}")
    return 0
