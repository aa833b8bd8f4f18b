"""The selected row of a closeup in full, below its table."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop import units
from mcptop.model.closeup import Closeup, ProcessCloseup, ThreadLine
from mcptop.presentation import runs
from mcptop.presentation.closeups.files import FileRow
from mcptop.presentation.closeups.inspection import FactRow
from mcptop.presentation.closeups.listed import CloseRow
from mcptop.presentation.closeups.processes import ProcessRow, cpu_text
from mcptop.presentation.closeups.sockets import SocketRow
from mcptop.presentation.detail import ruled
from mcptop.presentation.judgement import Judgement
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.verdict.wrap import hanging

_TONES = {"R": "ok", "D": "warning", "S": "muted"}


def compose(row: CloseRow, closeup: Closeup, width: int, height: int) -> list[Runs]:
    """At most `height` lines: what it is called, why it has its symbol, and all that the table had no room for."""
    lines = [ruled(_title(row), width), *_reasons(row.judgement, width)]
    if isinstance(row, ProcessRow) and isinstance(closeup, ProcessCloseup):
        lines += _process(row, closeup, width, height - len(lines))
    elif isinstance(row, FactRow):
        lines += _whole("value", row.value, width)
    elif isinstance(row, FileRow) and not row.is_heading:
        lines += _whole("file", row.label, width)
        held = f"{', '.join(map(str, row.line.pids[:50]))} of {runs.safe(row.line.instance)}"
        lines += _whole("open in", held, width)
    elif isinstance(row, SocketRow) and not row.is_heading:
        lines += _whole("of", _socket(row), width)
    return lines[:height]


def _title(row: CloseRow) -> list[Run]:
    tone = row.judgement.style if row.judgement.reasons else "muted"
    title: list[Run] = [(f" {row.judgement.symbol if row.judgement.reasons else '·'} ", tone), (row.name, "strong")]
    if isinstance(row, ProcessRow) and not row.is_heading:
        line = row.line
        title.append((f"  pid {line.pid}", "muted"))
        if line.inner_pid is not None:
            title.append((f", {line.inner_pid} inside", "muted"))
        title.append((f"  of {runs.safe(line.instance)}", "muted"))
    if isinstance(row, SocketRow) and not row.is_heading:
        title.append((f"  {row.line.count} {runs.safe(row.line.state)}, {row.line.direction}", "muted"))
    return title


def _reasons(judged: Judgement, width: int) -> list[Runs]:
    """Why the row has its symbol, whole."""
    says = "; ".join(judged.reasons)
    return hanging(((f" {judged.symbol} ", judged.style),), ((says, judged.style),), max(20, width - 1)) if says else []


def _whole(name: str, text: str, width: int) -> list[Runs]:
    """A long text, wrapped."""
    return hanging(((f" {name} ", "dim"),), ((text, "text"),), max(20, width - 1)) if text else []


def _socket(row: SocketRow) -> str:
    """Whose it is, and what a narrow table leaves out."""
    line, known = row.line, [runs.safe(row.line.instance)]
    if line.local_port is not None:
        known.append(f"port {line.local_port} here")
    if line.busy:
        known.append(f"{line.busy} busy, the oldest for {units.span(line.oldest_s)}")
    return ", ".join(known)


def _process(row: ProcessRow, closeup: ProcessCloseup, width: int, height: int) -> list[Runs]:
    lines = _cut(_whole("command", runs.safe(row.line.command, 1000), width), max(1, height // 3), width)
    if row.identity is None or closeup.threads_of != row.identity:
        return lines
    return [*lines, *threads(closeup.threads, width, height - len(lines))]


def _cut(lines: list[Runs], most: int, width: int) -> list[Runs]:
    """So many lines; what is cut ends in an ellipsis."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], (*runs.clip(lines[most - 1], width - 2), (" …", "dim"))]


def threads(lines: Sequence[ThreadLine], width: int, height: int) -> list[Runs]:
    """The threads of a process as a small table, the busiest first; its heading counts those there is no room for."""
    if height < 2 or not lines:
        return []
    order = sorted(lines, key=lambda line: (-(line.cores or 0.0), line.tid))
    shown = order[: height - 1]
    title = "THREAD" if len(shown) == len(order) else f"THREAD, {len(shown)} of {len(order)}"
    name = max(18, min(32, width - 48))
    head = f" {title:<{name}} {'TID':>8} {'CPU':>6} {'WAIT CPU':>8} S {'WAITS IN':<10}"
    return [runs.clip(((head, "dim"),), width), *(_thread(line, name, width) for line in shown)]


def _thread(line: ThreadLine, name: int, width: int) -> Runs:
    tone = _TONES.get(line.state, "text")
    return runs.clip(
        (
            (f" {runs.fit(runs.safe(line.name), name)} ", "text"),
            (f"{line.tid:>8} ", "muted"),
            (f"{cpu_text(line.cores):>6} ", "cpu" if (line.cores or 0.0) >= 0.0005 else "dim"),
            (f"{units.percent(line.waited_ratio):>8} ", "warning" if (line.waited_ratio or 0.0) >= 0.2 else "dim"),
            (f"{runs.fit(runs.safe(line.state), 1)} ", tone),
            (runs.fit(runs.safe(line.waits_in or units.UNKNOWN), 10), "muted"),
        ),
        width,
    )
