"""The import contracts hold, and each of them fails on a tree that breaks it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.compliance.sources import PRODUCT, ROOT

ARROWS = "bot -> deployments -> (actors | agents) -> core"
EDGES = "config is imported at the edges only"
INWARDS = "config knows nothing but core"
PRODUCT_ALONE = "the product imports neither the demo nor the measurements"
PURE = "core imports nothing that reaches outside"


def lint_imports(root: Path) -> tuple[int, str]:
    """The exit code and output of import-linter for the tree at `root`, with the project's contracts."""
    run = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    arguments = ["--config", str(ROOT / ".importlinter"), "--no-cache"]
    done = subprocess.run([*run, *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """The rooms with nothing in them but what the contracts name."""
    for room in PRODUCT:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    for room in ("bot", "demo"):
        (tmp_path / room / "__main__.py").write_text("import config\n", encoding="utf-8")
    (tmp_path / "demo" / "following.py").write_text("import config\n", encoding="utf-8")
    (tmp_path / "deployments" / "app.py").write_text("import config\nimport actors\nimport core\n", encoding="utf-8")
    for edge in ("cluster", "deciding_app", "entities", "ingest_app", "reshard"):
        (tmp_path / "deployments" / f"{edge}.py").write_text("import config\n", encoding="utf-8")
    (tmp_path / "actors" / "inspect.py").write_text("def main():\n    import config\n", encoding="utf-8")
    (tmp_path / "evals" / "speed.py").write_text("import deployments.app\nimport config\n", encoding="utf-8")
    return tmp_path


def test_the_tree_keeps_every_contract() -> None:
    code, output = lint_imports(ROOT)
    assert code == 0, output


def test_a_house_in_order_is_let_through(small_house: Path) -> None:
    code, output = lint_imports(small_house)
    assert code == 0, output


@pytest.mark.parametrize(
    ("path", "text", "contract"),
    [
        ("core/x.py", "import actors", ARROWS),
        ("core/x.py", "def late():\n    import bot", ARROWS),
        ("actors/x.py", "import deployments", ARROWS),
        ("actors/x.py", "import agents", ARROWS),
        ("agents/x.py", "import actors", ARROWS),
        ("deployments/x.py", "import bot", ARROWS),
        ("bot/ask.py", "from config import settings", EDGES),
        ("core/x.py", "import config", EDGES),
        ("deployments/x.py", "import config", EDGES),
        ("actors/x.py", "def late():\n    import config", EDGES),
        ("config/x.py", "import deployments", INWARDS),
        ("bot/x.py", "import demo", PRODUCT_ALONE),
        ("core/x.py", "import evals", PRODUCT_ALONE),
        ("core/x.py", "import ray", PURE),
        ("core/x.py", "from time import monotonic", PURE),
        ("core/x.py", "import os.path", PURE),
        ("core/x.py", "from pathlib import Path", PURE),
    ],
)
def test_a_contract_fails_where_it_is_broken(small_house: Path, path: str, text: str, contract: str) -> None:
    (small_house / "config" / "settings.py").touch()
    (small_house / path).write_text(text + "\n", encoding="utf-8")
    code, output = lint_imports(small_house)
    assert code == 1, output
    assert f"{contract} BROKEN" in output
