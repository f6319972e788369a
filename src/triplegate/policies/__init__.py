"""What is decided: one file a policy; built-ins are found by folder."""

import importlib
import pkgutil

from triplegate.core.policy import Policy, Registry


def built_in() -> list[type[Policy]]:
    """The policy class of every module in this folder; a module holds exactly one, tagged like the module."""
    found: list[type[Policy]] = []
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, Policy) and value.__module__ == loaded.__name__:
                found.append(value)
    return found


def registry() -> Registry:
    """The policies that configuration may name."""
    return Registry(built_in())
