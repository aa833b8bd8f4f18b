"""The recorded hosts, and a small /proc that tests can change."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from mcptop.sources.procfs import Roots

RECORDED = Path(__file__).parents[1] / "fixtures"
HOSTS = ("v1-hybrid-api1.41", "v2-api1.45")


def roots(host: str) -> Roots:
    return Roots(str(RECORDED / host / "proc"), str(RECORDED / host / "sys"))


def api(host: str, name: str) -> Any:
    return json.loads((RECORDED / host / "api" / f"{name}.json").read_text())


def container(host: str, name: str) -> dict[str, Any]:
    """The entry of the container list whose name holds `name`."""
    return next(entry for entry in api(host, "containers") if name in entry["Names"][0])


class FakeProc:
    """A /proc under a folder: processes come, change and go as a test says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.roots = Roots(str(path), str(path))
        (path / "stat").write_text("cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 10 0 10 80 0 0 0 0 0 0\nbtime 1700000000\n")

    def process(
        self, pid: int, comm: str = "app", ppid: int = 1, start: int = 100, cpu_ticks: int = 0, cmdline: str = "",
        environ: str = "", cgroup: str = "0::/", rss_pages: int = 1000,
    ) -> None:  # fmt: skip
        base = self.path / str(pid)
        base.mkdir(exist_ok=True)
        fields = ["S", ppid, 0, 0, 0, 0, 4194304, 0, 0, 0, 0, cpu_ticks, 0, 0, 0, 20, 0, 1, 0, start, 0, rss_pages]
        (base / "stat").write_text(f"{pid} ({comm}) {' '.join(map(str, fields))} 0 0\n")
        (base / "cgroup").write_text(cgroup + "\n")
        (base / "cmdline").write_bytes(cmdline.replace(" ", "\0").encode())
        (base / "environ").write_bytes(environ.replace(" ", "\0").encode())

    def network(self, pid: int, namespace: str, rx_bytes: int = 0) -> None:
        """Put a process into a network namespace, in which its only interface has received so much."""
        inode = self.path / f"namespace-{namespace}"
        inode.touch()
        base = self.path / str(pid)
        for folder in (base / "ns", base / "net"):
            folder.mkdir(parents=True, exist_ok=True)
        (base / "ns/net").unlink(missing_ok=True)
        os.link(inode, base / "ns/net")
        (base / "net/dev").write_text(f"Inter-|\n face |\n  eth0: {rx_bytes} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n")

    def end(self, pid: int) -> None:
        shutil.rmtree(self.path / str(pid))
