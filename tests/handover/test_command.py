"""`mcptop handover` as a program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
ENVIRONMENT = os.environ | NO_ENGINE | {"PYTHONPATH": str(Path(__file__).parents[2])}


def run(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mcptop", "handover", "--no-scrape"]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT | more, capture_output=True, text=True, timeout=60)


def test_one_look_is_written_down(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode in (0, 3, 4), done.stderr
    assert sorted(done.stdout.split()) == sorted(path.name for path in tmp_path.iterdir())
    text = next(tmp_path.glob("*.md")).read_text()
    assert "| ✖ docker | error | no docker engine at unix" in text
    assert "The screen as it was" not in text


def test_a_folder_one_may_not_write_to_is_one_line() -> None:
    done = run(Path("/proc"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("mcptop: mcptop-handover-")
