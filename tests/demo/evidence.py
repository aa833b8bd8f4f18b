"""What can be seen of a process from outside: its kernel files, its sockets, its metrics page."""

from __future__ import annotations

import contextlib
import os
import re
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

STATES = {"01": "established", "08": "close_wait", "0A": "listen"}
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Look:
    """One look at a service. Bytes, seconds, counts."""

    rss: int
    anon: int
    shmem: int
    cpu_s: float
    system_s: float
    """Of `cpu_s`: in the kernel."""
    switches: int
    """Times its present threads gave up the CPU to wait for something."""
    threads: int
    read: int
    """Bytes read by system calls, from the page cache too."""
    written: int
    """Bytes sent towards the disk."""
    files: Counter[str] = field(default_factory=Counter)
    """Open descriptors: file, deleted, socket, other."""
    sockets: Counter[str] = field(default_factory=Counter)
    """Own TCP sockets by state."""
    zombies: int = 0
    running_threads: int = 0

    @property
    def fds(self) -> int:
        """All open descriptors."""
        return self.files.total()


def look(pid: int) -> Look:
    """Look at a process now. Raises `FileNotFoundError` when it is gone."""
    proc = Path(f"/proc/{pid}")
    status = dict(re.findall(r"^(\w+):\s*(\d+)", (proc / "status").read_text(), re.M))
    io = dict(re.findall(r"^(\w+): (\d+)", (proc / "io").read_text(), re.M))
    stat = (proc / "stat").read_text().rpartition(")")[2].split()
    files, inodes = _descriptors(proc)
    return Look(
        rss=int(status["VmRSS"]) * 1024,
        anon=int(status["RssAnon"]) * 1024,
        shmem=int(status["RssShmem"]) * 1024,
        cpu_s=(int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
        system_s=int(stat[12]) / os.sysconf("SC_CLK_TCK"),
        switches=sum(_switches(task / "status") for task in (proc / "task").iterdir()),
        threads=int(status["Threads"]),
        read=int(io["rchar"]),
        written=int(io["write_bytes"]),
        files=files,
        sockets=_sockets(proc, inodes),
        zombies=_zombies(pid),
        running_threads=sum(_state(task / "stat") == "R" for task in (proc / "task").iterdir()),
    )


def _descriptors(proc: Path) -> tuple[Counter[str], set[str]]:
    files: Counter[str] = Counter()
    inodes = set()
    for link in (proc / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(link)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
            kind = "socket" if target.startswith("socket:") else "file" if target.startswith("/") else "other"
            files["deleted" if target.endswith(" (deleted)") else kind] += 1
    return files, inodes


def _sockets(proc: Path, inodes: set[str]) -> Counter[str]:
    lines = (proc / "net/tcp").read_text().splitlines()[1:] + (proc / "net/tcp6").read_text().splitlines()[1:]
    fields = (line.split() for line in lines)
    return Counter(STATES.get(each[3], each[3]) for each in fields if each[9] in inodes)


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def _switches(status: Path) -> int:
    try:
        return int(re.findall(r"^voluntary_ctxt_switches:\s*(\d+)", status.read_text(), re.M)[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _zombies(pid: int) -> int:
    found = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += sum(
                _state(Path(f"/proc/{child}/stat")) == "Z" for child in (task / "children").read_text().split()
            )
    return found


def accept_queue(port: int) -> int:
    """Connections at a loopback port that wait to be accepted."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[1] == f"0100007F:{port:04X}":
            return int(fields[4].partition(":")[2], 16)
    raise AssertionError(f"nobody listens at port {port}")


def time_waits(port: int) -> int:
    """Connections to a loopback port, closed first by who opened them, that the kernel remembers for a minute."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[3] == "06" and fields[2] == f"0100007F:{port:04X}" for fields in rows)


def overflows() -> int:
    """Connections the kernel turned away since boot because an accept queue was full."""
    lines = [line.split() for line in Path("/proc/net/netstat").read_text().splitlines() if line.startswith("TcpExt: ")]
    return int(dict(zip(lines[0], lines[1], strict=True))["ListenOverflows"])


class Metrics:
    """One scrape of a `/metrics` page."""

    def __init__(self, text: str) -> None:
        self._samples = []
        for line in text.splitlines():
            if match := _SAMPLE.match(line):
                self._samples.append((match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])))

    def get(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels; they must exist."""
        found = [v for n, have, v in self._samples if n == name and labels.items() <= have.items()]
        assert found, f"no {name}{labels}"
        return sum(found)

    def by(self, name: str, label: str) -> dict[str, float]:
        """The samples of one name by the value of one label."""
        return {have[label]: v for n, have, v in self._samples if n == name and label in have}


def scrape(url: str, timeout_s: float = 20.0) -> Metrics:
    """Read a service's metrics."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=timeout_s) as answer:
        return Metrics(answer.read().decode())
