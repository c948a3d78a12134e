"""Which Python ``make`` sets up with; the Pythons here are scripts that note what they were asked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from triage.settings import PROJECT_DIR

# Makes the environment with a copy of itself, as the real one does with a link.
GOOD = """#!/bin/sh
echo "$0 $*" >> asked
if [ "$1 $2" = "-m venv" ]; then
    for folder; do :; done
    mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python"
fi
"""
BROKEN = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("Makefile", ".ci/python"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT_DIR / name, tmp_path / name)
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).touch()
    return tmp_path


def python(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def set_up(project: Path, *arguments: str) -> list[str]:
    """Set up and return what the Pythons were asked; the searches for one are left out."""
    subprocess.run(["make", ".venv/.ready", *arguments], cwd=project, check=True, capture_output=True)
    return [
        line for line in (project / "asked").read_text().splitlines() if " -c " not in line and "pip --v" not in line
    ]


def test_an_environment_that_works_is_kept(project: Path) -> None:
    python(project / ".venv/bin/python", GOOD)
    [asked] = set_up(project)
    assert asked.startswith(".venv/bin/python -m pip install")
    assert not (project / ".venv/pyvenv.cfg").exists()


def test_an_environment_that_does_not_work_is_made_anew_whatever_the_python_is_called(project: Path) -> None:
    old = python(project / ".venv/bin/python", BROKEN)
    other = python(project / "a folder/python", GOOD)
    made, installed = set_up(project, f"PYTHON={other}")
    assert made == f"{other} -m venv --clear .venv"
    assert installed.startswith(".venv/bin/python -m pip install")
    assert old.read_text() == GOOD
