"""The house as a newcomer meets it: the lock, the packages, the gates' own settings, the documents."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.compliance.sources import PRODUCT

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PINNED = re.compile(r"^([\w.-]+)==([\w.]+)$", re.MULTILINE)
REFUSED = re.compile(r"^([\w-]+)<0  # CUDA$", re.MULTILINE)


def same_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ---------------------------------------------------------------- the lock
def test_every_line_of_the_lock_pins_a_version_or_refuses_a_cuda_package() -> None:
    for line in CONSTRAINTS.splitlines():
        assert not line or line.startswith("#") or PINNED.match(line) or REFUSED.match(line), line


def test_direct_dependencies_are_pinned_to_the_locked_versions() -> None:
    locked = {same_name(name): version for name, version in PINNED.findall(CONSTRAINTS)}
    assert len(locked) > 100
    direct = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]
    for requirement in direct:
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", requirement)
        assert match, f"{requirement} is not pinned"
        name, version = match.groups()
        assert locked.get(same_name(name)) == version, (
            f"{requirement}: constraints.txt has {locked.get(same_name(name))}"
        )


def wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    """Write an empty package that pip can resolve."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + (
        f"Requires-Dist: {requires}\n" if requires else ""
    )
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def resolve(folder: Path, constraints: str) -> subprocess.CompletedProcess[str]:
    """Let pip choose a torch from `folder` under `constraints`."""
    (folder / "constraints.txt").write_text(constraints, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--isolated", "install", "--dry-run", "--ignore-installed", "--no-index"]
    places = ["--find-links", str(folder), "-c", str(folder / "constraints.txt")]
    return subprocess.run([*pip, *places, "torch"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("needs", ["triton", "nvidia-cudnn-cu13", "cuda-toolkit"])
def test_pip_refuses_torchs_cuda_build_and_takes_it_where_it_is_asked_for(tmp_path: Path, needs: str) -> None:
    wheel(tmp_path, "torch", "2.13.0", needs)
    wheel(tmp_path, needs.replace("-", "_"), "13.0")
    refused = resolve(tmp_path, CONSTRAINTS)
    assert refused.returncode != 0
    assert needs in refused.stdout + refused.stderr
    allowed = resolve(tmp_path, re.sub(REFUSED, "", CONSTRAINTS))
    assert allowed.returncode == 0, allowed.stderr


def test_pip_takes_torchs_cpu_build(tmp_path: Path) -> None:
    wheel(tmp_path, "torch", "2.13.0", "triton")
    wheel(tmp_path, "torch", "2.13.0+cpu")
    wheel(tmp_path, "triton", "3.0")
    resolved = resolve(tmp_path, CONSTRAINTS)
    assert "Would install torch-2.13.0+cpu" in resolved.stdout, resolved.stderr


# ---------------------------------------------------------------- what the gates look at
def test_every_package_of_the_tree_is_installed() -> None:
    there = {
        path.parent.relative_to(ROOT).as_posix() for room in PRODUCT for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == {package.replace("/", ".") for package in there}


def test_types_cover_the_whole_tree_strictly() -> None:
    mypy = PROJECT["tool"]["mypy"]
    assert mypy["strict"] is True
    assert set(mypy["packages"]) == {*PRODUCT, "tests"}


def test_coverage_leaves_nothing_out_but_the_entry_points() -> None:
    coverage = PROJECT["tool"]["coverage"]
    assert set(coverage["run"]["source"]) == set(PRODUCT)
    assert coverage["run"]["omit"] == ["*/__main__.py"]
    assert coverage["run"]["branch"] is True
    assert coverage["report"]["fail_under"] >= 95


def test_entry_points_are_short_because_no_coverage_watches_them() -> None:
    for path in (path for room in PRODUCT for path in (ROOT / room).rglob("__main__.py")):
        code = [
            line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")
        ]
        assert len(code) <= 60, f"{path.relative_to(ROOT)}: move logic to a file that is tested"


# ---------------------------------------------------------------- the documents
def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_changelog_tells_of_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{PROJECT['project']['version']}]" in changelog


def test_every_decision_says_why_what_it_costs_and_what_would_change_it() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    assert len(pages) >= 4
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "What it costs", "What would change our mind"], page.name
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 70, f"{page.name} is longer than a page"


def test_no_document_links_to_a_file_that_is_not_there() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
