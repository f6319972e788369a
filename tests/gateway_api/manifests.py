"""Gateway API manifests in few words, and a gateway that was made from them, with backends that say what they got."""

import base64
import contextlib
import json

import msgspec
from tests.builders import make_inbound
from tests.gates.built import Built, ListWire, answer
from tests.hostile.scripted import Upstream

from triplegate.config.load import load
from triplegate.edge.pump import pump
from triplegate.edge.serve import open_exchange
from triplegate.policies import registry

NATIVE = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}, ops: {}}}}\n"
OPEN = {"triplegate.dev/identity": "none"}
GATEWAY = "gateway.networking.k8s.io/v1"


def manifest(kind, name, spec=None, *, version=GATEWAY, namespace="shop", **more):
    """An object; `more` goes into its metadata, but for `top`, which goes beside it."""
    top = more.pop("top", {})
    metadata = {"name": name, "namespace": namespace, "generation": 1, **more}
    found = {"apiVersion": version, "kind": kind, "metadata": metadata, **top}
    return found if spec is None else {**found, "spec": spec}


def listener(name="http", port=80, protocol="HTTP", **more):
    """A listener; `hosts` and `routes` short for hostname and allowedRoutes."""
    found = {"name": name, "port": port, "protocol": protocol}
    if "hosts" in more:
        found["hostname"] = more.pop("hosts")
    if "routes" in more:
        found["allowedRoutes"] = more.pop("routes")
    return {**found, **more}


def gateway(*listeners, name="web", **more):
    """A gateway that everyone may call, unless `annotations` say something else."""
    more.setdefault("annotations", OPEN)
    spec = {"gatewayClassName": "triplegate", "listeners": list(listeners) or [listener()], **more.pop("spec", {})}
    return manifest("Gateway", name, spec, **more)


def route(name="r", *rules, hosts=(), parents=({"name": "web"},), kind="HTTPRoute", **more):
    """A route; a rule is a dict, `backends` in it short for backendRefs."""
    written = [{**rule} for rule in rules] or [rule_to("a")]
    spec = {"parentRefs": list(parents), "hostnames": list(hosts), "rules": written, **more.pop("spec", {})}
    return manifest(kind, name, spec, **more)


def rule_to(*backends, **rule):
    """A rule to services of these names; `path`, `headers`, `method`, `query` make one match."""
    match = {}
    if "path" in rule:
        match["path"] = {"type": rule.pop("type", "PathPrefix"), "value": rule.pop("path")}
    if "headers" in rule:
        match["headers"] = [{"name": name, "value": value} for name, value in rule.pop("headers").items()]
    if "query" in rule:
        match["queryParams"] = [{"name": name, "value": value} for name, value in rule.pop("query").items()]
    if "method" in rule:
        match["method"] = rule.pop("method")
    found = {"backendRefs": [ref(one) if isinstance(one, str) else one for one in backends], **rule}
    return {**found, "matches": [match]} if match else found


def ref(name, **more):
    """A backend on port 80."""
    return {"name": name, "port": 80, **more}


def service(name, *, namespace="shop", port=80, **more):
    """A service with one port, named `http`."""
    extra = {"appProtocol": more.pop("protocol")} if "protocol" in more else {}
    spec = {"ports": [{"name": "http", "port": port, **extra}], **more.pop("spec", {})}
    return manifest("Service", name, spec, version="v1", namespace=namespace, **more)


def slice_of(name, *ports, namespace="shop", ready=True, port_name="http"):
    """Where a service's endpoints are: ports of this machine."""
    top = {
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": one} for one in ports],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": ready}}],
    }
    labels = {"kubernetes.io/service-name": name}
    return manifest(
        "EndpointSlice",
        f"{name}-1",
        version="discovery.k8s.io/v1",
        namespace=namespace,
        labels=labels,
        top=top,
    )


def grant(kind, source, *targets, namespace="shop", name="grant"):
    """Lets objects of `kind` in namespace `source` refer to these (kind, name) of `namespace`."""
    to = [{"group": "", "kind": of, **({"name": one} if one else {})} for of, one in targets]
    spec = {"from": [{"group": "gateway.networking.k8s.io", "kind": kind, "namespace": source}], "to": to}
    return manifest("ReferenceGrant", name, spec, version="gateway.networking.k8s.io/v1beta1", namespace=namespace)


def secret(name, chain, key, *, namespace="shop"):
    """A TLS secret."""
    values = {"tls.crt": chain, "tls.key": key}
    coded = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    top = {"type": "kubernetes.io/tls", "data": coded}
    return manifest("Secret", name, version="v1", namespace=namespace, top=top)


def authorities(name, text, *, namespace="shop"):
    """A config map with certificates of authorities."""
    return manifest("ConfigMap", name, version="v1", namespace=namespace, top={"data": {"ca.crt": text}})


def backend_tls(target, hostname, *maps, name="tls", **validation):
    """TLS towards a service, whose authorities stand in these config maps."""
    refs = [{"group": "", "kind": "ConfigMap", "name": one} for one in maps]
    said = {"hostname": hostname, **({"caCertificateRefs": refs} if refs else {}), **validation}
    targets = [{"group": "", "kind": "Service", "name": target}]
    return manifest("BackendTLSPolicy", name, {"targetRefs": targets, "validation": said})


def write_all(folder, *objects, native=NATIVE, name="objects"):
    """Native documents and manifests, as files."""
    (folder / "apis").mkdir(exist_ok=True)
    (folder / "triplegate.yaml").write_text(native)
    (folder / "apis" / f"{name}.yaml").write_text("\n---\n".join(json.dumps(one, indent=1) for one in objects) + "\n")


def loaded(folder, *objects, native=NATIVE):
    """What these come to."""
    write_all(folder, *objects, native=native)
    return load(folder, registry(), environment={})


class Verdicts:
    """Conditions by kind, name, part and type."""

    def __init__(self, outcome):
        self.rows = {
            (row.kind, row.name, row.part, row.condition.type): row.condition
            for status in outcome.statuses
            for row in status.rows()
        }

    def __call__(self, kind, name, part, type_):
        """`True Accepted`, say."""
        found = self.rows[kind, name if "/" in name or kind == "GatewayClass" else f"shop/{name}", part, type_]
        return f"{found.holds} {found.reason}"

    def route(self, name="r", part="shop/web", type_="Accepted", kind="HTTPRoute"):
        return self(kind, name, part, type_)

    def listener(self, part="http", type_="Programmed", name="web"):
        return self("Gateway", name, part, type_)


def verdicts(found):
    """The conditions of a loaded configuration."""
    return Verdicts(found.manifests)


def manifest_of(found, kind, name):
    """An object with its status, as it is printed."""
    return next(one.manifest() for one in found.manifests.statuses if (one.kind, one.name) == (kind, name))


def echo(name):
    """An upstream that answers with what it got, and who it is."""

    async def script(talk):
        while True:
            head = await talk.head()
            line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
            headers = [tuple(field.split(": ", 1)) for field in fields]
            size = next((int(value) for key, value in headers if key.lower() == "content-length"), 0)
            await talk.read(size)
            method, target, _ = line.split(" ")
            said = {"backend": name, "method": method, "target": target, "headers": headers}
            await talk.say(answer(json.dumps(said).encode()))

    return script


class World(Built):
    """A gateway out of manifests."""

    def __init__(self, folder, objects, native):
        self.objects, self.native = objects, native
        super().__init__(folder, native)

    def take(self, text):
        self.found = loaded(self.folder, *self.objects, native=text)
        snapshot = self.gateway.compile(self.found.documents)
        self.gateway.swap(snapshot)
        return snapshot

    def change(self, *objects):
        """Other manifests, at once."""
        self.objects = objects
        return self.take(self.native)

    @property
    def verdicts(self):
        return verdicts(self.found)

    async def call(self, url, method="GET", *, at="data", query=b"", asked="", **headers):
        """(status, what the backend got) of a call to host/path; `asked`: the name that its TLS was opened for."""
        host, slash, path = url.partition("/")
        fields = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
        inbound = msgspec.structs.replace(
            make_inbound(method, slash + path, fields), host=host, listener=at, query=query, asked=asked
        )
        exchange = open_exchange(self.gateway.gate_for(inbound.path), inbound)
        reply = await self.gateway.answer(exchange.gate, exchange)
        wire = ListWire()
        await pump(exchange, reply, exchange.gate.encoder(exchange, reply), wire)
        self.wire, self.exchange = wire, exchange
        said = json.loads(wire.content) if wire.status == 200 and wire.content.startswith(b"{") else {}
        return wire.status, said

    async def backend(self, url, *more, **headers):
        """The backend that answered, else the status."""
        status, said = await self.call(url, *more, **headers)
        return said.get("backend", status)


@contextlib.asynccontextmanager
async def world(folder, *objects, native=NATIVE, backends="abc"):
    """A gateway out of manifests; services a, b and c echo."""
    async with contextlib.AsyncExitStack() as stack:
        more, upstreams = [], {}
        for name in backends:
            upstream = upstreams[name] = await stack.enter_async_context(Upstream(echo(name)))
            more += [service(name), slice_of(name, upstream.port)]
        made = World(folder, (*objects, *more), native)
        made.extra, made.upstreams = more, upstreams
        try:
            yield made
        finally:
            await made.close()
