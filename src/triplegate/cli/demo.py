"""`triplegate demo`: the three gates on sample upstreams, with a key and lines to paste."""

import os
import secrets
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from triplegate.cli.failures import Failed, told
from triplegate.cli.paint import paint
from triplegate.cli.place import DEMO_STATE, Place, note_running, noted_url, read_env
from triplegate.cli.serve import run_loop, warn_of_faults
from triplegate.cli.tour import tour

if TYPE_CHECKING:
    from triplegate.app import Building
    from triplegate.config.load import Loaded
    from triplegate.samples.demo import Upstreams

ENV = "demo.env"
KEY_NAME = "demo"


def demo() -> int:
    """Run the demo in the foreground: an editable copy of its configuration, samples, a real model if installed.

    Everything is in .triplegate/; an edit in .triplegate/demo/ is taken at once. Needs no network.
    """
    with told():
        from triplegate.samples.demo import demo_ports, write_demo

        state = DEMO_STATE.absolute()
        place = Place(DEMO_STATE / "demo", DEMO_STATE, demo=True)
        running = noted_url(place)
        if running is not None:
            raise Failed(f"a gateway runs in {DEMO_STATE}/ already: {running}")
        os.umask(0o077)
        state.mkdir(exist_ok=True)
        first = not place.config.exists()
        ports = demo_ports(place.config)
        write_demo(place.config, ports)
        if first:
            _say(f"wrote the demo's configuration to {place.config}/")
        loaded, upstreams = _begin(place, ports)
        try:
            return _serve(place, loaded, upstreams, state)
        finally:
            upstreams.stop()


def _begin(place: Place, ports: Mapping[str, int]) -> tuple["Loaded", "Upstreams"]:
    """The configuration, read in a second thread while the samples and the model come up.

    They must be started by the main thread: they end with the thread that started them.
    """
    from triplegate.samples.demo import start_upstreams

    _say("starting the sample upstreams and the local model …")
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(_load, place)
        upstreams = start_upstreams(ports)
        try:
            loaded = reading.result()
        except BaseException:
            upstreams.stop()
            raise
    _say("starting the gateway …")
    return loaded, upstreams


def _load(place: Place) -> "Loaded":
    import triplegate.app  # noqa: F401 - half a second of imports that are needed anyway
    from triplegate.config.load import load
    from triplegate.policies import registry

    return load(place.config, registry(), environment=place.environment)


def _serve(place: Place, loaded: "Loaded", upstreams: "Upstreams", state: Path) -> int:
    from triplegate.app import Building, listen

    link = ""

    async def opened(building: Building) -> None:
        nonlocal link
        token_id = await _credentials(building, state / ENV)
        once = building.parts.tokens.offer_link(token_id)
        link = f"{building.addresses['control']}/sign-in?once={once}"

    def ready(building: Building) -> None:
        note_running(state, dict(building.addresses))
        _print(place, read_env(state / ENV), link, upstreams)
        warn_of_faults(building)
        print(f"\n{paint('ready', 'green', sys.stdout)}", flush=True)

    return run_loop(state, listen(loaded, place.config, opened=opened, ready=ready, environment=place.environment))


async def _credentials(building: "Building", path: Path) -> str:
    """The demo's key and admin token: those of demo.env while they live, else new ones and the old ones revoked.

    Returns the admin token's id.
    """
    kept = read_env(path)
    key = await _key(building, kept.get("TRIPLEGATE_KEY", ""))
    token, token_id = await _token(building, kept.get("TRIPLEGATE_ADMIN_TOKEN", ""))
    _write(
        path,
        {
            "TRIPLEGATE_URL": building.addresses["api"],
            "TRIPLEGATE_KEY": key,
            "TRIPLEGATE_ADMIN_URL": building.addresses["control"],
            "TRIPLEGATE_ADMIN_TOKEN": token,
        },
    )
    return token_id


async def _key(building: "Building", key: str) -> str:
    from triplegate.core.identity import KeyRecord, digest_key, key_id_of, new_key
    from triplegate.samples.demo import CONSUMER

    index, now, pepper = building.store.index, building.house.clock.wall(), building.kit.pepper
    record = index.find(key_id_of(key) or "")
    if record is not None and record.revoked is None and record.digest == digest_key(pepper, key):
        return key
    for old in await index.list():
        if old.name == KEY_NAME and old.revoked is None:
            await index.revoke(old.key_id, now)
    key, key_id = new_key("demo")
    await index.create(KeyRecord(key_id, digest_key(pepper, key), *CONSUMER, name=KEY_NAME, created=now))
    return key


async def _token(building: "Building", token: str) -> tuple[str, str]:
    tokens, store = building.parts.tokens, building.store.tokens
    record = await tokens.prove(token)
    if record is not None:
        return token, record.token_id
    for old in await store.list():
        if old.name == KEY_NAME and old.revoked is None:
            await store.revoke(old.token_id, building.house.clock.wall())
    token, record = await tokens.issue({"owner"}, name=KEY_NAME)
    return token, record.token_id


def _write(path: Path, values: Mapping[str, str]) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{name}={value}\n" for name, value in values.items()))
    fresh.replace(path)


def _print(place: Place, env: Mapping[str, str], link: str, upstreams: "Upstreams") -> None:
    model = "smollm2"
    _line("configuration", f"{place.config}/  (yours to edit: a change is taken at once)")
    _line("credentials", f"{place.state / ENV}")
    if upstreams.reason:
        _line("model", f"{upstreams.reason}: the scripted provider answers as {model}")
    _line("control page", f"{link}  (signs in once, within 15 minutes)")
    print("\nPaste one of these into another terminal:\n")
    for line in tour(env["TRIPLEGATE_URL"], env["TRIPLEGATE_KEY"], model):
        print(line)


def _line(name: str, text: str) -> None:
    print(f"{paint(f'{name:14}', 'bold', sys.stdout)} {text}")


def _say(text: str) -> None:
    print(paint(text, "dim", sys.stdout), flush=True)
