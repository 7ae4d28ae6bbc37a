"""Who may import whom is held by import-linter: the project keeps its contracts, and each of them bites."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def lint(tree: Path, *roots: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter on the packages below `roots` by the contracts in `tree`."""
    linter = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots)), "COLUMNS": "200"}
    command = [str(linter), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=tree, env=environment, check=False, capture_output=True, text=True)


def contract(start: str) -> str:
    """The full name of the contract that begins so."""
    return next(str(known["name"]) for known in CONFIG["contracts"] if known["name"].startswith(start))


def modules() -> Iterator[str]:
    """Every module that the contracts name."""
    yield from CONFIG["root_packages"]
    for known in CONFIG["contracts"]:
        named = [*known.get("modules", []), *known.get("source_modules", []), *known.get("forbidden_modules", [])]
        yield from (name for name in named if name.split(".")[0] in CONFIG["root_packages"] and "*" not in name)
        for container in known.get("containers", []):
            yield from (f"{container}.{layer}" for layer in re.findall(r"\w+", " ".join(known["layers"])))


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A tree of empty modules under the contracts of the project."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module in modules():
        folder = tmp_path.joinpath(*module.split("."))
        folder.mkdir(parents=True, exist_ok=True)
        for package in (folder, *folder.relative_to(tmp_path).parents):
            if package != Path():
                (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_the_project_keeps_its_contracts() -> None:
    """No module imports what it may not."""
    done = lint(ROOT, ROOT, ROOT / "gen")
    assert done.returncode == 0, done.stdout


def test_a_tree_that_breaks_nothing_passes(toy: Path) -> None:
    """The toy tree is clean, so that what fails below fails for the one import."""
    done = lint(toy, toy)
    assert done.returncode == 0, done.stdout
    assert "5 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("importer", "imported", "broken"),
    [
        ("mesh", "facade", "The command line wires"),
        ("services.user", "services.message", "Services speak"),
        ("services.user.accounts.domain", "services.user.accounts.store", "Inside an aggregate"),
        ("services.message.messages.domain", "grpc", "Rules know"),
        ("facade", "sqlalchemy", "Drivers stay"),
    ],
)
def test_each_contract_bites(toy: Path, importer: str, imported: str, broken: str) -> None:
    """One forbidden import breaks the contract that forbids it, and no other."""
    toy.joinpath(*importer.split("."), "__init__.py").write_text(f"import {imported}\n")
    done = lint(toy, toy)
    assert done.returncode == 1
    assert f"{contract(broken)} BROKEN" in " ".join(done.stdout.split())
    assert "4 kept, 1 broken" in done.stdout
