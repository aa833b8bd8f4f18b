"""A built wheel, installed into an empty environment, is the whole program."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", wheel], check=True, timeout=600, env=environment, cwd=tmp_path
    )
    look = [python, "-m", "mcptop", "snapshot", "--json"]
    done = subprocess.run(
        look,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment | {"DOCKER_HOST": "unix:///nope"},
        cwd=tmp_path,
        check=True,
    )
    assert json.loads(done.stdout)["schema"] == "mcptop.snapshot/1"
    listing = (
        "import mcptop, pathlib; p = pathlib.Path(mcptop.__file__).parent; "
        "print(*[f.relative_to(p) for f in p.rglob('*')])"
    )
    done = subprocess.run(
        [python, "-c", listing], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    files = done.stdout.split()
    assert "playbooks/README.md" in files
    assert "playbook/templates/report.html.j2" in files
    assert {"py.typed", "keymaps/shipped/htop.toml", "views/shipped/memory.toml"} <= set(files)
    assert [file for file in files if file.endswith(".tcss")]
