"""Every kind of entity is found by its file in actors/."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from actors.activity_log import ActivityLog
from actors.budget_ledger import BudgetLedger
from actors.runtime_walk import entity_kinds

ACTOR = """
from actors.runtime_entities import EntityActor
from core.{module} import KIND

class Another(EntityActor):
    kind = KIND
"""


def test_the_kinds_of_the_product_are_found_and_named_as_their_actors() -> None:
    kinds = entity_kinds()
    assert (kinds["BudgetLedger"], kinds["ActivityLog"]) == (BudgetLedger, ActivityLog)
    assert all(name == actor.kind.name == actor.__name__ for name, actor in kinds.items())


@pytest.fixture
def package(tmp_path: Path) -> Iterator[ModuleType]:
    """An empty package beside the product."""
    (tmp_path / "walked_actors").mkdir()
    (tmp_path / "walked_actors" / "__init__.py").touch()
    sys.path.insert(0, str(tmp_path))
    yield importlib.import_module("walked_actors")
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("walked_actors")]:
        del sys.modules[name]


def add(package: ModuleType, name: str, text: str) -> None:
    (Path(package.__path__[0]) / f"{name}.py").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()


def test_adding_a_kind_is_adding_its_file(package: ModuleType) -> None:
    assert not entity_kinds(package)
    add(package, "another", ACTOR.format(module="budgets"))
    add(package, "no_entity", "from actors.runtime_entities import EntityActor\nclass Plain: ...")
    add(package, "runtime_shell", ACTOR.format(module="activity"))
    assert [(name, actor.__name__) for name, actor in entity_kinds(package).items()] == [("BudgetLedger", "Another")]


def test_two_actors_of_one_kind_are_a_defect(package: ModuleType) -> None:
    add(package, "one", ACTOR.format(module="budgets"))
    add(package, "two", ACTOR.format(module="budgets"))
    with pytest.raises(ValueError, match="both actors of BudgetLedger"):
        entity_kinds(package)
