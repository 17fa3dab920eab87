"""The gate over all evals: every floor can be missed, and a planted regression is."""

import importlib
import inspect
import json
import re
import sys
from types import ModuleType

import pytest

from evals import floors
from evals.floors import GATES, Gate, main, misses, value
from evals.runner import USAGE_ERROR

FIGURES = {"hit": 0.5, "parts": {"0.10": {"found": 3, "total": 4}, "none": None}}


@pytest.mark.parametrize(
    ("floor", "holds"),
    [
        ("hit >= 0.5", True),
        ("hit > 0.5", False),
        ("hit <= 0.4", False),
        ("parts/0.10/found >= 0.75 * parts/0.10/total", True),
        ("parts/0.10/found >= 0.76 * parts/0.10/total", False),
        ("parts/0.10/found == parts/0.10/total", False),
    ],
)
def test_a_floor_holds_or_is_missed(floor: str, holds: bool) -> None:
    assert (
        list(misses([floor], FIGURES)) == []
        if holds
        else [floor] == [it.split(":")[0] for it in misses([floor], FIGURES)]
    )


@pytest.mark.parametrize("floor", ["gone >= 0", "gone <= 1", "parts/none <= 1", "parts <= 1", "hit >= gone"])
def test_what_is_no_number_misses_its_floor(floor: str) -> None:
    assert len(list(misses([floor], FIGURES))) == 1


def test_every_gate_names_an_eval_its_data_and_settings_that_it_has() -> None:
    for gate in GATES:
        assert gate.floors
        parameters = inspect.signature(importlib.import_module(f"evals.{gate.name}").run).parameters
        assert set(gate.planted) <= set(parameters)
        for folder in gate.data:
            assert (floors.ROOT / folder).is_dir(), folder
        for floor in gate.floors:
            assert re.fullmatch(r"\S+ (>=|>|<=|==) \S+( \* \S+)?", floor), floor


def test_a_path_goes_into_figures() -> None:
    assert value("parts/0.10/found", FIGURES) == 3
    assert value("0.10", FIGURES) == 0.1


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("evals.counted")

    def run(*, worse: bool = False) -> dict[str, float]:
        return {"right": 0.2 if worse else 0.9}

    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "evals.counted", module)
    monkeypatch.setattr(floors, "GATES", (Gate("counted", (), ("right >= 0.5",), {"worse": True}),))


@pytest.mark.usefixtures("gates")
def test_it_is_green_while_floors_hold_and_red_with_a_planted_regression(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "missed": {},
        "figures": {"counted": {"right": 0.9}},
    }
    assert main(["--plant", "counted"]) == 1
    out = capsys.readouterr().out
    assert "MISSED: right >= 0.5: 0.2 against 0.5" in out
    assert json.loads(out.splitlines()[-1])["missed"] == {"counted": ["right >= 0.5: 0.2 against 0.5"]}


@pytest.mark.usefixtures("gates")
def test_an_unknown_eval_is_refused() -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--only", "nothing"])
    assert refused.value.code == USAGE_ERROR
