"""GPTCache's traps: what it would do when it is imported, and what it does here. Each in a process of its own."""

import pickle
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Trap:
    """Leaves a mark in the working directory when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("open('sprung', 'w').close()",))


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_pickle_in_the_working_directory_is_never_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "data_map.txt").write_bytes(planted := pickle.dumps(Trap()))
    ran = run("import actors.gptcache_stores, gptcache; gptcache.cache.data_manager", tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data_map.txt"]
    assert (tmp_path / "data_map.txt").read_bytes() == planted


def test_the_trap_of_that_test_is_a_real_one(tmp_path: Path) -> None:
    (tmp_path / "data_map.txt").write_bytes(pickle.dumps(Trap()))
    run("import gptcache", tmp_path)
    assert (tmp_path / "sprung").exists()


def test_nothing_is_installed_at_run_time(tmp_path: Path) -> None:
    ran = run(
        "import actors.gptcache_stores; from gptcache.utils import _check_library; "
        "_check_library('no_such_module_at_all')",
        tmp_path,
    )
    assert ran.returncode != 0
    assert "GPTCache wants to install no_such_module_at_all" in ran.stderr


def test_whoever_was_first_with_an_armed_import_is_told(tmp_path: Path) -> None:
    ran = run("import gptcache, actors.gptcache_stores", tmp_path)
    assert ran.returncode != 0
    assert "before its traps were disarmed" in ran.stderr


def test_the_actor_does_not_import_it_before_it_is_asked(tmp_path: Path) -> None:
    ran = run("import actors.answer_cache; sys.exit('gptcache' in sys.modules)", tmp_path)
    assert ran.returncode == 0, ran.stderr
