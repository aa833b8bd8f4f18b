"""Gets an image with python3 and procps, on machines that may not be able to pull one.

Knows the order of the ways: `MCPTOP_TEST_IMAGE`, one made earlier, debootstrap from the machine's own
package source, and only then a pull.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

NAME = "mcptop-test:1"
PULLED = "python:3.12-slim"


def obtain() -> str | None:
    """The name of a usable image; None if there is no way to have one here."""
    if named := os.environ.get("MCPTOP_TEST_IMAGE"):
        return named
    with (Path(tempfile.gettempdir()) / "mcptop-test-image.lock").open("w") as lock:
        # Two test runs at once would otherwise both spend a minute on the same image.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _succeeds("docker", "image", "inspect", NAME) or _bootstrapped():
            return NAME
    return PULLED if _succeeds("docker", "pull", PULLED) else None


def _bootstrapped() -> bool:
    mirror = _mirror()
    if mirror is None or os.geteuid() != 0 or shutil.which("debootstrap") is None:
        return False
    with tempfile.TemporaryDirectory(prefix="mcptop-image-") as folder:
        root, archive = f"{folder}/root", f"{folder}/image.tar"
        return (
            _succeeds("debootstrap", "--variant=minbase", "--include=python3,procps", "bookworm", root, mirror)
            and _succeeds("tar", "-C", root, "-cf", archive, ".")
            and _succeeds("docker", "import", archive, NAME)
        )


def _mirror() -> str | None:
    """The first package source of this machine's apt."""
    sources = [*sorted(Path("/etc/apt/sources.list.d").glob("*.sources")), Path("/etc/apt/sources.list")]
    for path in sources:
        if path.is_file() and (found := re.search(r"^(?:URIs:|deb(?: \[.*?\])?) +(\S+)", path.read_text(), re.M)):
            return found[1]
    return None


def _succeeds(*words: str) -> bool:
    try:
        return subprocess.run(words, capture_output=True, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
