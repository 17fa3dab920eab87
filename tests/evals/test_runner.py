"""The command line of the evals: names from the folder, figures last, errors in words."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import evals
import evals.bench
from evals.runner import USAGE_ERROR, names, run_named

MODULES = {
    "counting": '''"""Counts files."""
from pathlib import Path

def run(data: Path, *, at_most: int = 9, deep: bool = False, label: str = "files") -> dict[str, object]:
    print("counting")
    return {label: min(at_most, len(list(data.iterdir()))), "deep": deep}
''',
    "many": '''"""Counts folders."""
from collections.abc import Sequence
from pathlib import Path

def run(data: Sequence[Path], *, plot: Path | None = None) -> dict[str, object]:
    return {"folders": len(data), "plot": plot and plot.name}
''',
    "own_flags": "def main(argv):\n    print(argv)\n    return 3\n",
    "needs_disk": "def run(*, size: int = 1):\n    raise OSError('disk is full')\n",
    "runner": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "some_evals"
    (folder / "nested").mkdir(parents=True)
    for name, text in {"__init__": "", "__main__": "", "nested/__init__": "", **MODULES}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield __import__("some_evals")
    for name in [name for name in sys.modules if name.split(".")[0] == "some_evals"]:
        del sys.modules[name]


def test_modules_are_found_by_walking_the_folder(package: ModuleType) -> None:
    assert names(package) == ["counting", "many", "needs_disk", "own_flags"]
    assert "captions" in names(evals)
    assert "captions" not in names(evals.bench)


def test_figures_are_the_last_line(package: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_named(package, ["counting", "--data", str(tmp_path), "--deep", "--at-most", "1", "--label", "x"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "counting"
    assert json.loads(lines[-1]) == {"x": 1, "deep": True}


def test_data_may_be_given_more_than_once_and_a_plot_is_a_file(
    package: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path)
    assert run_named(package, ["many", "--data", folder, "--data", folder, "--plot", "curve.svg"]) == 0
    assert json.loads(capsys.readouterr().out) == {"folders": 2, "plot": "curve.svg"}
    assert run_named(package, ["many", "--data", folder, "--data", "/no/such/place"]) == USAGE_ERROR


def test_a_module_with_its_own_command_line(package: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_named(package, ["own_flags", "--any", "thing"]) == 3
    assert "['--any', 'thing']" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["nothing"], "there is no 'nothing'. Names: counting, many, needs_disk, own_flags."),
        (["counting", "--data", "/no/such/place"], "/no/such/place is not a directory"),
        (["needs_disk"], "disk is full"),
    ],
)
def test_what_cannot_run_says_why(
    package: ModuleType, argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_named(package, argv) == USAGE_ERROR
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["counting"], ["counting", "--data", ".", "--at-most", "many"]])
def test_a_wrong_call_ends_with_the_usage(package: ModuleType, argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_named(package, argv)
    assert ended.value.code == USAGE_ERROR


def test_help_and_no_name(package: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_named(package, ["--help"]) == 0
    assert run_named(package, []) == USAGE_ERROR
    assert capsys.readouterr().out.count("names: counting, many, needs_disk, own_flags") == 2
