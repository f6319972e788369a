"""`triplegate demo`: the three gates on sample upstreams, with a key and lines to paste."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from triplegate.cli.failures import told
from triplegate.cli.place import DEMO_STATE, Place, note_running, read_env
from triplegate.cli.serve import run_loop
from triplegate.cli.tour import tour

if TYPE_CHECKING:
    from triplegate.app import Building
    from triplegate.samples.demo import Upstreams

ENV = "demo.env"
KEY_NAME = "demo"


def demo() -> int:
    """Run the demo in the foreground: an editable copy of its configuration, samples, a real model if installed.

    Everything is in .triplegate/; an edit in .triplegate/demo/ is taken at once. Needs no network.
    """
    with told():
        from triplegate.app import Building, listen
        from triplegate.config.load import load
        from triplegate.policies import registry
        from triplegate.samples.demo import demo_ports, start_upstreams, write_demo

        state = DEMO_STATE.absolute()
        os.umask(0o077)
        state.mkdir(exist_ok=True)
        place = Place(DEMO_STATE / "demo", DEMO_STATE, demo=True)
        ports = demo_ports(place.config)
        write_demo(place.config, ports)
        loaded = load(place.config, registry(), environment=place.environment)
        upstreams = start_upstreams(ports)

        async def opened(building: Building) -> None:
            await _credentials(building, state / ENV)

        def ready(building: Building) -> None:
            note_running(state, dict(building.addresses))
            _print(place, read_env(state / ENV), building, upstreams)

        try:
            return run_loop(place, listen(loaded, place.config, opened=opened, ready=ready))
        finally:
            upstreams.stop()


async def _credentials(building: "Building", path: Path) -> None:
    """The demo's key and admin token: those of demo.env while they live, else new ones and the old ones revoked."""
    from triplegate.core.identity import KeyRecord, digest_key, key_id_of, new_key
    from triplegate.samples.demo import CONSUMER

    kept = read_env(path)
    parts, store, now = building.parts, building.store, building.house.clock.wall()
    key = kept.get("TRIPLEGATE_KEY", "")
    record = store.index.find(key_id_of(key) or "")
    if record is None or record.revoked is not None or record.digest != digest_key(building.kit.pepper, key):
        for old in await store.index.list():
            if old.name == KEY_NAME and old.revoked is None:
                await store.index.revoke(old.key_id, now)
        key, key_id = new_key("demo")
        org, team, consumer = CONSUMER
        digest = digest_key(building.kit.pepper, key)
        await store.index.create(KeyRecord(key_id, digest, org, team, consumer, name=KEY_NAME, created=now))
    token = kept.get("TRIPLEGATE_ADMIN_TOKEN", "")
    if await parts.tokens.prove(token) is None:
        for old_token in await store.tokens.list():
            if old_token.name == KEY_NAME and old_token.revoked is None:
                await store.tokens.revoke(old_token.token_id, now)
        token, _ = await parts.tokens.issue({"owner"}, name=KEY_NAME)
    _write(
        path,
        {
            "TRIPLEGATE_URL": building.addresses["api"],
            "TRIPLEGATE_KEY": key,
            "TRIPLEGATE_ADMIN_URL": building.addresses["control"],
            "TRIPLEGATE_ADMIN_TOKEN": token,
        },
    )


def _write(path: Path, values: Mapping[str, str]) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{name}={value}\n" for name, value in values.items()))
    fresh.replace(path)


def _print(place: Place, env: Mapping[str, str], building: "Building", upstreams: "Upstreams") -> None:
    model = "smollm2"
    print(f"configuration  {place.config}/  (yours to edit: a change is taken at once)")
    print(f"credentials    {place.state / ENV}")
    if upstreams.reason:
        print(f"model          {upstreams.reason}: the scripted provider answers as {model}")
    print(f"control page   {building.addresses['control']}/  (sign in with the admin token in {place.state / ENV})")
    snapshot = building.gateway.snapshot
    for fault in snapshot.faults if snapshot else ():
        print(f"warning: {fault}", file=sys.stderr)
    print("\nPaste one of these into another terminal:\n")
    for line in tour(env["TRIPLEGATE_URL"], env["TRIPLEGATE_KEY"], model):
        print(line)
    print("\nready", flush=True)
