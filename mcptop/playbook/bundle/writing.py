"""Writing a bundle: whole, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import platform
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from mcptop import __version__
from mcptop.model.diagnosis import Evidence, Verdict
from mcptop.playbook.bundle.manifest import (
    CASE,
    MANIFEST,
    MOST_BYTES,
    MOST_MEMBER_BYTES,
    MOST_MEMBERS,
    VERDICT,
    BundleError,
    Manifest,
    Member,
    StepEnd,
)
from mcptop.playbook.case import Case, encode, verdict_of
from mcptop.playbook.steps.base import Output
from mcptop.playbook.whole import whole

Outputs = Sequence[tuple[str, Output]]
"""Step and raw output."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write(path: Path, case: Case, outputs: Outputs, verdict: Verdict | None = None) -> None:
    """Write one, readable by its owner only. Evidence and outputs must have no secrets any more.

    Raises `BundleError`; then there is nothing at `path` that was not there before. Without `verdict` it is judged here
    (raises as `verdict_of` does).
    """
    path = Path(os.path.realpath(path))
    try:
        data = packed(case, outputs, verdict or verdict_of(case))
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from None
    if os.path.exists(path) and not os.path.isfile(path):
        raise BundleError(f"{path}: not a file one could replace")
    try:
        with whole(path, 0o600) as file:
            file.write(data)
    except OSError as error:
        raise BundleError(f"{path}: cannot be written: {error.strerror or error}") from None


def packed(case: Case, outputs: Outputs, verdict: Verdict) -> bytes:
    """The bytes of one: the same content gives the same. Raises `BundleError`."""
    members = dict(_members(case, verdict, outputs))
    manifest = msgspec.json.format(msgspec.json.encode(_manifest(case, outputs, members)), indent=1) + b"\n"
    sizes = [len(data) for data in members.values()]
    if sum(sizes) > MOST_BYTES or max(sizes) > MOST_MEMBER_BYTES or len(sizes) >= MOST_MEMBERS:
        raise BundleError("the raw outputs are more than a bundle may hold")
    return _archive({MANIFEST: manifest, **members}, _seconds(case.run.started_at))


def _members(case: Case, verdict: Verdict, outputs: Outputs) -> Iterator[tuple[str, bytes]]:
    yield CASE, encode(case)
    yield VERDICT, encode(verdict)
    yield f"playbook/{_safe(case.playbook_file)}", case.playbook_text.encode()
    for file, text in sorted(case.library.items()):
        yield f"playbook/hypotheses/{_safe(file.rpartition('/')[2])}", text.encode()
    for name, output in _named(outputs):
        yield name, output.data


def _named(outputs: Outputs) -> Iterator[tuple[str, Output]]:
    """Raw outputs by the name of their member; none hides another one."""
    taken: set[str] = set()
    for step, output in outputs:
        name = first = f"raw/{_safe(step)}/{_safe(output.name)}"
        count = 1
        while name in taken:
            count += 1
            name = f"{first}-{count}"
        taken.add(name)
        yield name, output


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).lstrip(".")[:100] or "_"


def _manifest(case: Case, outputs: Outputs, members: Mapping[str, bytes]) -> Manifest:
    seen = {name: output.provenance.raw_sha256 for name, output in _named(outputs)}
    return Manifest(
        version=case.run.version or __version__,
        python=platform.python_version(),
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        started_at=case.run.started_at,
        duration_s=case.run.duration_s,
        cost=case.run.cost,
        steps=tuple(StepEnd(each.step, each.run, each.status, each.duration_s) for each in case.evidence),
        tools=_tools(case.evidence),
        members={
            name: Member(len(data), hashlib.sha256(data).hexdigest(), seen.get(name)) for name, data in members.items()
        },
    )


def _tools(evidence: Sequence[Evidence]) -> dict[str, str]:
    """Only programs have an argument vector."""
    used = [source for each in evidence for source in each.provenance if source.argv]
    return {source.source: source.version or "" for source in sorted(used, key=lambda source: source.source)}


def _seconds(started_at: str) -> int:
    try:
        return max(0, int(datetime.fromisoformat(started_at).timestamp()))
    except (ValueError, OverflowError):
        return 0


def _archive(members: Mapping[str, bytes], at: int) -> bytes:
    file = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), at, 0o600
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()
