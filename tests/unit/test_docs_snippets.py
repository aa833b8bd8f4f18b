"""What the documentation shows of a shell is run as it stands there, and ends as it says.

`<!-- run -->` before a block: it ends with 0; `<!-- run: 3 -->`: with 3; `<!-- run: 3 with a b -->`: as a script with
these words. The target is the one of docs/playbooks.md; to be quick, it is looked at for a shorter time.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TARGET = "shop/importer"
BLOCK = re.compile(
    r"(?:<!-- run(?:: (?P<code>\d+))?(?: with (?P<words>.+?))? -->\n)?```sh\n(?P<text>.*?)```", re.DOTALL
)
QUICK = """\
playbook: {name}
title: As quick as it can be
steps:
  - {{id: watch, run: watch, with: {{for: 1s}}}}
  - {{id: stats, run: docker-stats}}
hypotheses:
  - id: heap-leak
    says: "It has {{{{ watch.processes }}}} process"
    severity: critical
    needs: [{needs}]
    supports: [{{if: watch.processes == 1, weight: 5, because: "there is one"}}]
"""


def fenced(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / document).read_text(), re.DOTALL)


class Home:
    """A user's folder with playbooks of their own, a service that stands still, and the program on the path."""

    def __init__(self, path: Path) -> None:
        self.project = f"docs-{os.getpid()}-{path.name}"
        self.path = path
        self.playbooks = path / ".config" / "mcptop" / "playbooks"
        self.playbooks.mkdir(parents=True)
        (path / "bin").mkdir()
        for name, words in (("mcptop", "-m mcptop"), ("python3", "")):
            (path / "bin" / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            (path / "bin" / name).chmod(0o755)
        gone = ("XDG_CONFIG_HOME", "MCPTOP_CONFIG", "http_proxy", "HTTP_PROXY")
        self.environment = {key: value for key, value in os.environ.items() if key not in gone} | {
            "HOME": str(path),
            "PATH": f"{path}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "MCPTOP_INTERVAL": "0.2",
        }

    def run(self, text: str, words: str = "") -> subprocess.CompletedProcess[str]:
        """Run one block."""
        script = self.path / "block.sh"
        script.write_text(text.replace(TARGET, f"{self.project}/importer"))
        given = words.replace(TARGET, f"{self.project}/importer").split()
        return subprocess.run(
            ["bash", str(script), *given], cwd=self.path, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def follow(self, document: str) -> None:
        """Run all marked blocks of a document, one after the other."""
        blocks = [block for block in BLOCK.finditer((DOCS / document).read_text()) if block[0].startswith("<!--")]
        assert blocks
        for block in blocks:
            done = self.run(block["text"], block["words"] or "")
            said = f"{document}:\n{block['text']}\n{done.stdout}\n{done.stderr}"
            assert done.returncode == int(block["code"] or 0), said
            assert "Traceback" not in done.stderr, said


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    found = Home(tmp_path)
    (tmp_path / "importer.py").write_text(fenced("playbooks.md", "python")[0])
    announced = found.environment | {"MCPTOP_PROJECT": found.project, "MCPTOP_SERVICE": "importer"}
    with subprocess.Popen([sys.executable, "importer.py"], cwd=tmp_path, env=announced) as importer:
        try:
            yield found
        finally:
            importer.kill()


def test_ones_own_playbook_in_ten_minutes(home: Home) -> None:
    """The document's own playbook as it stands there; the case it makes of a bundle is judged rightly."""
    (home.playbooks / "stuck-import.yaml").write_text(fenced("playbooks.md", "yaml")[0])
    home.follow("playbooks.md")
    done = home.run("mcptop playbooks test stuck-import --json")
    (case,) = json.loads(done.stdout)["cases"]
    assert (case["case"], case["right"], case["mechanism"]) == ("waits", True, "import-waits")
    judged = home.run("mcptop judge stuck.tar.gz --json")
    verdict = json.loads(judged.stdout)
    assert judged.returncode == 3
    assert verdict["target"]["project"] == home.project
    stacks = next(each for each in verdict["evidence"] if each["step"] == "stacks")
    if stacks["status"] == "ok":
        # Where py-spy may look, the place is found as the document shows it.
        assert "waits in next_row() in importer.py:8" in verdict["says"]
        assert verdict["level"] == "confirmed"


def test_a_command_of_ones_own_runs_only_where_it_is_allowed(home: Home) -> None:
    (home.path / "folder-full.yaml").write_text(fenced("playbooks.md", "yaml")[1])
    command = f"mcptop diagnose ./folder-full.yaml --service {TARGET} --json"
    off, on = (json.loads(home.run(f"{command} {flag}").stdout) for flag in ("", "--allow-commands"))
    assert (off["status"], off["evidence"][0]["status"]) == ("inconclusive", "skipped")
    assert "--allow-commands" in off["says"]
    assert on["status"] in ("healthy", "warning")
    assert 0 <= on["evidence"][0]["values"]["value"]["used_percent"] <= 100


def _quick(home: Home) -> None:
    own = fenced("playbooks.md", "yaml")[0]
    (home.playbooks / "stuck-import.yaml").write_text(own.replace("for: 4s", "for: 1s").replace("500ms", "100ms"))
    (home.playbooks / "memory-leak.yaml").write_text(QUICK.format(name="memory-leak", needs="watch"))
    (home.playbooks / "slow-service.yaml").write_text(QUICK.format(name="slow-service", needs="stats"))


def test_the_documents_of_a_diagnosis(home: Home) -> None:
    _quick(home)
    home.follow("verdict.md")


def test_runbooks_jobs_and_chats(home: Home) -> None:
    _quick(home)
    posted: list[bytes] = []

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *about: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        home.environment["CHAT_WEBHOOK"] = f"http://127.0.0.1:{server.server_port}/"
        try:
            home.follow("runbooks.md")
            (script,) = (
                block["text"] for block in BLOCK.finditer((DOCS / "runbooks.md").read_text()) if block["words"]
            )
            refused = [home.run(script, words) for words in ("x.yaml a", "memory-leak --html=/x", "--help a", "")]
            missing = home.run(script, "memory-leak nobody-is-called-so")
        finally:
            server.shutdown()
    assert [(each.returncode, each.stdout) for each in refused] == [(2, "")] * 4
    assert missing.returncode == 2
    first, second = (json.loads(body)["text"] for body in posted)
    assert first.startswith("# ✖ PROBLEM: heap-leak")
    assert second.splitlines()[-1].startswith("mcptop: no service `nobody-is-called-so`")


@pytest.mark.parametrize("path", [*sorted(DOCS.glob("*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_every_block_for_a_shell_can_be_read_by_one(path: Path) -> None:
    for block in BLOCK.finditer(path.read_text()):
        done = subprocess.run(["bash", "-n"], input=block["text"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block["text"]
