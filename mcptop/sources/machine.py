"""What this machine allows: engine, cgroups, pressure, permissions, tools. Looks, changes nothing."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from mcptop.config import Settings
from mcptop.sources import cgroup_paths
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.sock_diag import NetworkNamespace
from mcptop.units import plain

_TOOL_TIMEOUT_S = 5.0
_COMFORTABLE_FILES = 4096


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    GAP = "gap"
    OPTIONAL = "optional"
    """Missing, and only some diagnosis would use it."""


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    state: State
    says: str
    fix: str | None = None
    """The command or step that closes the gap."""


# Tool -> how it tells its version, the Debian package, and whether mcptop does without it.
_TOOLS = {
    "docker": (["--version"], "docker-cli", False),
    "py-spy": (["--version"], None, False),
    "lsof": (["-v"], "lsof", False),
    "netstat": (["--version"], "net-tools", False),
    "ss": (["--version"], "iproute2", False),
    "nsenter": (["--version"], "util-linux", False),
    "perf": (["--version"], "linux-perf", True),
    "iotop": (["--version"], "iotop", True),
    "memray": (["--version"], None, True),
}


def checks(settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which one would mend them."""
    yield Check("python", State.OK, f"{platform.python_version()} on {platform.system()} {platform.release()}")
    yield _procfs(settings)
    yield from (_engine(address, "" if at == 0 else f" {at + 1}") for at, address in enumerate(settings.engines))
    yield _cgroups(settings)
    yield _pressure(settings)
    yield _other_processes(settings)
    yield _ptrace(settings)
    yield _namespaces(settings)
    yield _open_files()
    for tool, (arguments, package, is_optional) in _TOOLS.items():
        yield _tool(tool, arguments, package, is_optional)


def _procfs(settings: Settings) -> Check:
    try:
        hidden = "hidepid=" in Path(settings.path_procfs, "self/mountinfo").read_text(errors="replace")
    except OSError as error:
        return Check("procfs", State.GAP, f"{settings.path_procfs} is no /proc tree ({error.strerror})",
                     "mount one there, or correct --path-procfs")  # fmt: skip
    if hidden and os.geteuid() != 0:
        return Check("procfs", State.GAP, "mounted with hidepid: other users' processes are hidden", "run as root")
    return Check("procfs", State.OK, settings.path_procfs)


def _engine(address: str | None, number: str) -> Check:
    name = f"docker engine{number}"
    try:
        engine = DockerEngine(address)
    except EngineError as error:
        fix = "sudo usermod -aG docker $USER, then log in again" if "permission" in str(error) else None
        return Check(name, State.GAP, str(error), fix or "start the engine, or set DOCKER_HOST")
    try:
        says = (
            f"{engine.version}, API {engine.api_version}, cgroup v{engine.cgroup_version or '?'} at {engine.endpoint}"
        )
        if not engine.is_unix_socket or engine.kernel != os.uname().release:
            return Check(name, State.GAP, f"{says}; it is not on this kernel, so containers are seen "
                         "through its API only", "run mcptop on the engine's host")  # fmt: skip
        return Check(name, State.OK, says)
    finally:
        engine.close()


def _cgroups(settings: Settings) -> Check:
    try:
        text = Path(settings.path_procfs, "self/mountinfo").read_text(errors="replace")
    except OSError:
        text = ""
    mounts = cgroup_paths.parse_mounts(text, settings.path_sysfs)
    v1 = sorted(name for name in mounts if name != cgroup_paths.UNIFIED)
    has_v2 = cgroup_paths.UNIFIED in mounts
    if not mounts:
        return Check("cgroups", State.GAP, "no cgroup hierarchy is mounted",
                     f"mount the host's at {settings.path_sysfs}/fs/cgroup, or set --path-sysfs")  # fmt: skip
    if not v1:
        return Check("cgroups", State.OK, f"v2 at {mounts[cgroup_paths.UNIFIED].point}")
    kind = "v1 + v2 (hybrid)" if has_v2 else "v1"
    return Check("cgroups", State.OK, f"{kind}: {', '.join(v1)}")


def _pressure(settings: Settings) -> Check:
    try:
        Path(settings.path_procfs, "pressure/cpu").read_bytes()
    except OSError:
        return Check("pressure (PSI)", State.GAP, "this kernel has none, so pressure stays unknown",
                     "boot with psi=1 (Linux 4.20 or newer with CONFIG_PSI)")  # fmt: skip
    return Check("pressure (PSI)", State.OK, "cpu, memory, io")


def _other_processes(settings: Settings) -> Check:
    try:
        pids = [name for name in os.listdir(settings.path_procfs) if name.isdigit()]
    except OSError:
        pids = []
    hidden = sum(not os.access(f"{settings.path_procfs}/{pid}/fd", os.R_OK) for pid in pids)
    if hidden > len(pids) // 2:
        return Check(
            "other processes", State.GAP, f"{hidden} of {len(pids)} hide their files and environment", "run as root"
        )
    return Check("other processes", State.OK, "files and environment are readable")


def _ptrace(settings: Settings) -> Check:
    try:
        scope = int(Path(settings.path_procfs, "sys/kernel/yama/ptrace_scope").read_text())
    except (OSError, ValueError):
        scope = 0
    if scope >= 3 or (scope and os.geteuid() != 0):
        return Check("ptrace", State.GAP, f"yama ptrace_scope is {scope}: py-spy cannot attach",
                     "run as root" if scope < 3 else "scope 3 lasts until the next boot")  # fmt: skip
    return Check("ptrace", State.OK, "py-spy may attach" if os.geteuid() == 0 else "to processes of your own user")


def _namespaces(settings: Settings) -> Check:
    try:
        NetworkNamespace(f"{settings.path_procfs}/self/ns/net").close()
    except OSError as error:
        return Check("network namespaces", State.GAP, f"cannot be entered ({error.strerror}): sockets are counted "
                     "the dearer way", "run as root (CAP_SYS_ADMIN and CAP_SYS_PTRACE)")  # fmt: skip
    return Check("network namespaces", State.OK, "can be entered")


def _open_files() -> Check:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < _COMFORTABLE_FILES:
        return Check("open files", State.GAP, f"limit {hard}: above some hundred containers, files are reopened "
                     "for each sample", f"ulimit -Hn {_COMFORTABLE_FILES} (as root)")  # fmt: skip
    return Check("open files", State.OK, f"limit {'none' if hard == resource.RLIM_INFINITY else hard}")


def _tool(tool: str, arguments: list[str], package: str | None, is_optional: bool) -> Check:
    # What pip installed beside mcptop is found even when its environment is not activated.
    path = shutil.which(tool) or shutil.which(tool, path=os.path.dirname(sys.executable))
    if path is None:
        fix = f"sudo apt-get install {package}" if package else f"pip install {tool}"
        return Check(tool, State.OPTIONAL if is_optional else State.GAP, "not installed", fix)
    try:
        done = subprocess.run(
            [path, *arguments],
            capture_output=True,
            timeout=_TOOL_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(tool, State.GAP, f"{path} does not run: {type(error).__name__}", f"reinstall {package or tool}")
    output = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    version = re.search(r"\d+\.\d+[\w.+-]*", output)
    return Check(tool, State.OK, plain(f"{version[0] if version else 'version unknown'} at {path}"))
