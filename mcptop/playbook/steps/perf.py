"""`perf`: where the CPU time goes by native symbols, the kernel's among them: samples of `perf record`, 99 a second."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Output, Raw, Seconds, StepFailure
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.tool_version import version
from mcptop.playbook.steps.two_looks import is_gone, pids_of
from mcptop.sources.kept import contents
from mcptop.units import percent, plain

_RATE = 99
_MOST = 10
_SLACK_S = 15.0
_SAMPLES = re.compile(r"^# Samples: (\d+)([KMG]?)\s+of events? '([^']*)'", re.MULTILINE)
_ROW = re.compile(r"^\s*([\d.]+)%\s*\|([^|]*)\|\s*\[(.)\]\s*(.*?)\s*$")
_POWERS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3}
_Symbol = tuple[str, str, str]
"""Name, file, and the mark of where it runs."""
_NO_SAMPLES = b"has no samples"
_DENIED = ("perf_event_paranoid", "permission denied", "operation not permitted", "access to performance")


class _Section(Value, frozen=True):
    """The samples of one event. A CPU with two kinds of cores has one for each, and each adds up to 100 %."""

    samples: int
    event: str
    shares: dict[_Symbol, float]


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(5))


class Perf:
    """See the module."""

    name: ClassVar[str] = "perf"
    says: ClassVar[str] = "sampling native code"
    safety: ClassVar[Safety] = Safety.SAMPLING
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "samples": "how often it was on a CPU when perf looked; 0 for one that does not compute",
        "top.symbol": "the function most samples are in", "top.object": "the file it is in",
        "top.share": "share of all samples",
        "kernel_share": "share inside the kernel; unknown where perf may not look there",
        "symbols": "the ten with most samples: symbol, object, share",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """The time of sampling, and that of looking up symbols."""
        return options.watch_for + 1.5

    def collect(self, context: Context, options: Options) -> Raw:
        """Record, then report. Raises `StepFailure`."""
        pids = ",".join(map(str, pids_of(context)))
        with tempfile.TemporaryDirectory(prefix="mcptop-perf-") as folder:
            file = f"{folder}/perf.data"
            record = ["perf", "record", "-q", "-F", str(_RATE), "-g", "-p", pids, "-o", file,
                      "--", "sleep", f"{options.watch_for:g}"]  # fmt: skip
            complaint, recorded = context.run(
                "record.txt", record, options.watch_for + _SLACK_S, version=version("perf")
            )
            if recorded.provenance.exit_code:
                raise _refused(context, complaint.decode("utf-8", "replace"))
            report = ["perf", "report", "--stdio", "-i", file, "--no-children", "-g", "none",
                      "-F", "overhead,dso,sym", "-t", "|"]  # fmt: skip
            complaint, output = context.run("perf-report.txt", report, _SLACK_S, version=version("perf"))
            if output.provenance.exit_code:
                raise _refused(context, complaint.decode("utf-8", "replace"))
        source = msgspec.structs.replace(output.provenance, argv=(*record, ";", *report))
        return (
            Output("perf-report.txt", output.data, source),
            Output("perf-report.err", complaint, msgspec.structs.replace(source, raw_sha256=None)),
        )

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """The symbols, by their share. Raises `StepFailure`."""
        text = raw[0].data.decode("utf-8", "replace")
        sections = list(_sections(text))
        if not sections and _NO_SAMPLES not in raw[1].data:
            raise StepFailure(StepStatus.PARSE_ERROR, "perf: its report is not the expected one")
        sampled = [section for section in sections if section.samples]
        if not all(section.shares for section in sampled):
            raise StepFailure(StepStatus.PARSE_ERROR, "perf: its report names no symbol")
        total = sum(section.samples for section in sampled)
        shares: dict[_Symbol, float] = {}
        for section in sampled:
            for symbol, share in section.shares.items():
                shares[symbol] = shares.get(symbol, 0.0) + share * section.samples / total
        seen = bool(sampled) and all(_sees_kernel(section.event) for section in sampled)
        kernel = sum(share for (_, _, mark), share in shares.items() if mark in "kg") if seen else None
        return _values(total, sorted(shares.items(), key=lambda pair: -pair[1]), kernel)

    def summary(self, values: Mapping[str, Any]) -> str:
        """The first symbol."""
        if not values["samples"]:
            return "no sample: it does not compute"
        return f"{values['samples']} samples, {percent(values['top']['share'])} in {values['top']['symbol']}"


def _sections(text: str) -> Iterator[_Section]:
    parts = _SAMPLES.split(text)
    for count, power, event, rows in zip(*(parts[at::4] for at in (1, 2, 3, 4)), strict=True):
        yield _Section(int(count) * _POWERS[power], event, _shares(rows))


def _shares(rows: str) -> dict[_Symbol, float]:
    found: dict[_Symbol, float] = {}
    for line in rows.splitlines():
        if row := _ROW.match(line):
            symbol = plain(row[4]), plain(row[2].strip()), row[3]
            found[symbol] = found.get(symbol, 0.0) + float(row[1])
    total = sum(found.values())
    return {symbol: share / total for symbol, share in found.items()} if total else {}


def _values(samples: int, symbols: list[tuple[_Symbol, float]], kernel: float | None) -> dict[str, Any]:
    top, share = symbols[0] if symbols else (None, None)
    return {
        "samples": samples,
        "top": {
            "symbol": top[0] if top else None,
            "object": top[1] if top else None,
            "share": rounded(share),
        },
        "kernel_share": rounded(kernel),
        "symbols": [
            {"symbol": symbol, "object": file, "share": rounded(share)} for (symbol, file, _), share in symbols[:_MOST]
        ],
    }


def _sees_kernel(event: str) -> bool:
    """`cycles:u`, `cpu_core/cycles/Pu`: of user code only; `cycles`, `cycles:P`, `cpu_core/cycles/P`: of both."""
    modifiers = re.split("[:/]", event)[1:]
    return not modifiers or "u" not in modifiers[-1] or "k" in modifiers[-1]


def _refused(context: Context, says: str) -> StepFailure:
    if is_gone(context):
        return StepFailure(StepStatus.TARGET_GONE, "the target has ended")
    if any(word in says.lower() for word in _DENIED):
        file = f"{context.roots.procfs}/sys/kernel/perf_event_paranoid"
        level = contents(file).decode("ascii", "replace").strip() or "?"
        return StepFailure(
            StepStatus.PERMISSION_DENIED,
            f"perf may not look (perf_event_paranoid is {level}): run as root, or sysctl kernel.perf_event_paranoid=1",
        )
    lines = [line for line in says.splitlines() if line.strip()]
    if "not found for kernel" in says:
        return StepFailure(StepStatus.TOOL_MISSING, f"perf: {lines[0]}: install linux-perf or linux-tools for it")
    return StepFailure(StepStatus.NO_DATA, f"perf failed: {lines[-1] if lines else 'it said nothing'}")
