"""The kinds of entities that there are: found by walking actors/, so that adding one is adding its file."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import actors
from actors.runtime_entities import EntityActor

Kinds = Mapping[str, type[EntityActor[Any, Any, Any]]]


def entity_kinds(package: ModuleType = actors) -> Kinds:
    """The actor of every kind, by the kind's name. Raises ValueError where two actors share one."""
    found: dict[str, type[EntityActor[Any, Any, Any]]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("runtime"):
            continue
        for actor in vars(importlib.import_module(f"{package.__name__}.{module.name}")).values():
            if not isinstance(actor, type) or not issubclass(actor, EntityActor) or not hasattr(actor, "kind"):
                continue
            if found.setdefault(actor.kind.name, actor) is not actor:
                raise ValueError(f"{found[actor.kind.name]} and {actor} are both actors of {actor.kind.name}.")
    return dict(sorted(found.items()))
