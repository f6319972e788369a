"""TLS towards backends: which BackendTLSPolicy a service port has, and whose certificates it trusts."""

from collections.abc import Mapping
from typing import Any

from triplegate.config.kubernetes.conditions import CONTROLLER, Conditions, Status
from triplegate.config.kubernetes.inventory import Inventory, Unread
from triplegate.config.kubernetes.objects import ConfigMapObject, LocalRef, ServiceObject, ServicePort
from triplegate.config.kubernetes.objects_gateway import BackendTlsPolicyObject

_KIND = "BackendTLSPolicy"
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


class BackendTls:
    """All BackendTLSPolicies, the oldest of two about the same port being the one in force."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._by_target: dict[tuple[str, str, str | None], BackendTlsPolicyObject] = {}
        self.conditions: dict[str, Conditions] = {}
        for one in inventory.every(BackendTlsPolicyObject):
            self.conditions[one.full_name] = self._judge(one)
        self._unread = [(one.namespace, one.name, _targets(one)) for one in inventory.unread if one.kind == _KIND]

    def _judge(self, one: BackendTlsPolicyObject) -> Conditions:
        conditions = Conditions("Accepted", "ResolvedRefs")
        for target in one.spec.target_refs:
            if target.group not in ("", "core") or target.kind != "Service":
                conditions.refuse("Accepted", "Invalid", f"{target.kind} {target.name} is no service")
                continue
            if self._inventory.find(ServiceObject, one.namespace, target.name) is None:
                message = f"there is no service {one.namespace}/{target.name}"
                conditions.refuse("Accepted", "TargetNotFound", message)
                continue
            key = (one.namespace, target.name, target.section_name)
            known = self._by_target.setdefault(key, one)
            if known is not one:
                conditions.refuse("Accepted", "Conflicted", f"policy {known.full_name} is about that service already")
        trouble = self._trust(one)
        if isinstance(trouble, str):
            conditions.refuse("ResolvedRefs", "InvalidCACertificateRef", trouble)
            conditions.refuse("Accepted", "NoValidCACertificate", trouble)
        return conditions

    def find(self, service: ServiceObject, port: ServicePort) -> Mapping[str, Any] | str | None:
        """How TLS is spoken to a port; None where it is not, a sentence where it cannot be."""
        for namespace, name, targets in self._unread:
            if namespace == service.namespace and (not targets or service.name in targets):
                return f"BackendTLSPolicy {namespace}/{name} cannot be read, and plain text is not what it asks for"
        for section in (port.name or None, None):
            one = self._by_target.get((service.namespace, service.name, section))
            if one is not None:
                trust = self._trust(one)
                if isinstance(trust, str):
                    return f"BackendTLSPolicy {one.full_name}: {trust}"
                names = [name.written for name in one.spec.validation.subject_alt_names]
                san = {"san": names} if names else {}
                return {**trust, **san, "server_name": one.spec.validation.hostname}
        return None

    def _trust(self, one: BackendTlsPolicyObject) -> Mapping[str, Any] | str:
        """The authorities that a policy trusts; a sentence when there are none."""
        validation = one.spec.validation
        if any(name.written is None for name in validation.subject_alt_names):
            return "a subjectAltName has the name of its type"
        if validation.well_known_ca_certificates is not None:
            if validation.ca_certificate_refs or validation.well_known_ca_certificates != "System":
                return "either wellKnownCACertificates: System, or caCertificateRefs"
            return {}
        texts = [self._authority(ref, one.namespace) for ref in validation.ca_certificate_refs]
        good = [text for text, fine in texts if fine]
        if not good:
            return "; ".join(text for text, _ in texts) or "no authority is named"
        return {"ca": "\n".join(good)}

    def _authority(self, ref: LocalRef, namespace: str) -> tuple[str, bool]:
        """Certificates of a reference, or what is wrong with it; and which of the two it is."""
        if ref.group not in ("", "core") or ref.kind != "ConfigMap":
            return f"{ref.kind} {ref.name} is no config map", False
        found = self._inventory.find(ConfigMapObject, namespace, ref.name)
        text = found.data.get("ca.crt", "") if found is not None else ""
        if _CERTIFICATE not in text:
            return f"config map {namespace}/{ref.name} has no ca.crt with a certificate", False
        return text.strip(), True

    def statuses(self) -> list[Status]:
        """What became of each policy."""
        found = []
        for one in self._inventory.every(BackendTlsPolicyObject):
            conditions = self.conditions[one.full_name]
            ancestor = {
                "ancestorRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "triplegate"},
                "controllerName": CONTROLLER,
                "conditions": conditions.shown(one.metadata.generation),
            }
            place = self._inventory.node(one).place
            parts = (("", conditions),)
            status = Status(one.api_version, one.kind, one.namespace, one.name, place, {"ancestors": [ancestor]}, parts)
            found.append(status)
        return found


def _targets(unread: Unread) -> frozenset[str]:
    """Names of the services a policy is about that could not be read as a whole; empty when not even they can."""
    spec = unread.node.child("spec")
    refs = spec.child("targetRefs") if spec is not None else None
    written = refs.value if refs is not None and isinstance(refs.value, list) else []
    names = [one.child("name") for one in written]
    good = [one.value for one in names if one is not None and isinstance(one.value, str)]
    return frozenset(good) if len(good) == len(names) else frozenset()
