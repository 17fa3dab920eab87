"""The Makefile prepares `.venv` by itself and again when it must; `.ci/isolated` keeps a command to itself."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
ISOLATED = ROOT / ".ci" / "isolated"
TARGETS = (
    *("demo", "run", "test", "test-fast", "check", "lint", "fmt", "type", "compliance"),
    *("chaos", "eval", "bench", "docs", "up", "down"),
)

# Stands for Python: makes a virtual environment whose pip writes down how it was called.
PYTHON = """#!/bin/sh
if [ "$1" = -c ]; then exec "{python}" "$@"; fi
echo "python $*" >> calls
mkdir -p .venv/bin && rm -f .venv/.ready*
printf '#!/bin/sh\\necho "pip $*" >> calls; exit ${{PIP_FAILS:-0}}\\n' > .venv/bin/pip
chmod +x .venv/bin/pip
"""


def script(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class Checkout:
    """A fresh clone in which nothing is prepared, and a Python that installs nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, root / name)
        self.python = script(root / "python", PYTHON.format(python=sys.executable))

    def make(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "--no-print-directory", f"PYTHON={self.python}", *arguments]
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.root)}
        return subprocess.run(command, cwd=self.root, env=clean | env, capture_output=True, text=True, check=False)

    def calls(self) -> list[str]:
        """How python and pip were called since the last look."""
        log = self.root / "calls"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_make_alone_lists_every_target_with_a_line(checkout: Checkout) -> None:
    listed = re.findall(r"^  make (\S+) +\S.+$", checkout.make().stdout, re.MULTILINE)
    assert set(TARGETS) <= set(listed)
    phony = next(line for line in MAKEFILE.splitlines() if line.startswith(".PHONY:"))
    assert set(phony.split()[1:]) == set(listed)
    assert checkout.calls() == []


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_prepares_the_environment_first(checkout: Checkout, target: str) -> None:
    plan = checkout.make("--dry-run", target, "NAME=x", "DATA=y").stdout
    first, _, rest = plan.partition("pip install")
    assert "-m venv" in first
    assert ".venv/bin/" in rest


def test_it_installs_once_and_again_when_the_dependencies_change(checkout: Checkout) -> None:
    assert checkout.make("install").returncode == 0
    made, installed = checkout.calls()
    assert made == "python -m venv --clear .venv"
    assert installed.endswith("-c .venv/constraints.txt -e .[dev]")
    assert checkout.make("install").returncode == 0
    assert checkout.calls() == []
    for name in ("pyproject.toml", "constraints.txt"):
        later = (checkout.root / ".venv" / ".ready").stat().st_mtime + 5
        os.utime(checkout.root / name, (later, later))
        checkout.make("install")
        assert [call.split()[0] for call in checkout.calls()] == ["pip"], (
            "the environment is kept, and brought up to date"
        )
        os.utime(checkout.root / ".venv" / ".ready", (later + 5, later + 5))


def test_cuda_is_refused_unless_asked_for_and_a_change_starts_afresh(checkout: Checkout) -> None:
    checkout.make("install")
    constraints = checkout.root / ".venv" / "constraints.txt"
    assert "triton<0" in constraints.read_text(encoding="utf-8")
    checkout.calls()
    checkout.make("install", GPU="1")
    assert [call.split()[0] for call in checkout.calls()] == ["python", "pip"]
    with_gpu = constraints.read_text(encoding="utf-8")
    assert "<0" not in with_gpu
    assert "torch==" in with_gpu


def test_a_failed_install_says_what_to_do_and_is_tried_again(checkout: Checkout) -> None:
    failed = checkout.make("lint", PIP_FAILS="1")
    assert failed.returncode != 0
    assert "make GPU=1 lint" in failed.stdout
    assert "PIP_EXTRA_INDEX_URL" in failed.stdout
    checkout.calls()
    assert checkout.make("install").returncode == 0
    assert [call.split()[0] for call in checkout.calls()] == ["pip"]


def test_an_old_python_is_refused_by_name(checkout: Checkout) -> None:
    old = script(checkout.root / "python3.9", "#!/bin/sh\nexit 1\n")
    refused = checkout.make("install", f"PYTHON={old}")
    assert refused.returncode != 0
    assert "python3.9 is not Python 3.11, 3.12 or 3.13" in refused.stdout
    assert checkout.calls() == []


def test_a_benchmark_without_a_name_says_how_it_is_called(checkout: Checkout) -> None:
    told = checkout.make("bench")
    assert told.returncode == 2
    assert "usage: make bench NAME=" in told.stdout


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ((), "floors"),
        (("NAME=cache", "PLANT=cache"), "floors --only cache --plant cache"),
        (("NAME=cache", "DATA=some folder"), 'cache --data "some folder"'),
    ],
)
def test_evals_are_all_measured_or_one_or_one_on_other_data(
    checkout: Checkout, given: tuple[str, ...], runs: str
) -> None:
    plan = checkout.make("--dry-run", "eval", *given).stdout.splitlines()
    assert " ".join(plan[-1].split()) == f".venv/bin/python -m evals {runs}"


def test_ci_runs_what_make_test_runs() -> None:
    assert re.search(r"^exec make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    for path in (ROOT / ".ci" / "run", ISOLATED):
        assert os.access(path, os.X_OK), path


# ---------------------------------------------------------------- .ci/isolated
def isolated(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ISOLATED), *command], env=os.environ | env, capture_output=True, text=True, check=False)


def test_the_exit_code_and_the_arguments_pass_through() -> None:
    done = isolated(sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "two words", "$HOME", "")
    assert done.returncode == 7
    assert done.stdout.strip() == str(["two words", "$HOME", ""])


def test_a_command_sees_loopback_alone_and_loopback_works() -> None:
    program = (
        "import socket\n"
        "print(*(name for _, name in socket.if_nameindex()))\n"
        "server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname()).close()"
    )
    done = isolated(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["lo"] or "No network namespace" in done.stderr


def test_without_namespaces_the_command_runs_as_it_is_and_says_so(tmp_path: Path) -> None:
    for name in ("sh", "dirname", "echo"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    done = isolated("sh", "-c", "echo ran; exit 3", PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (3, "ran\n")
    assert "running with this machine's network" in done.stderr


def test_without_a_command_it_says_how_it_is_called() -> None:
    assert isolated().returncode == 2
