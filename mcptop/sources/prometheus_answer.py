"""What a Prometheus server answers, as plain values: series with their labels, and figures with their times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from mcptop.units import plain

Point = tuple[float, float]
"""Unix seconds and value; always finite: what PromQL calls NaN or Inf is no figure."""
Labels = dict[str, str]
"""As the server has them, hostile text among them; `__name__` is one of them where the metric kept its name."""
_MOST_WARNINGS = 5


class Series(NamedTuple):
    """One series of an answer: of an instant vector it has one point, of a range several, oldest first."""

    labels: Labels
    points: tuple[Point, ...]

    @property
    def value(self) -> float:
        """The latest."""
        return self.points[-1][1]

    @property
    def at(self) -> float:
        """The latest's time: of an instant vector that of the question, not that of the sample."""
        return self.points[-1][0]


class Answer(NamedTuple):
    """Series that have a figure, and what the server warns of."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


class NotPrometheus(Exception):
    """The body is no answer of Prometheus' API."""


class Refusal(Exception):
    """Prometheus itself says why it does not answer; the message is its own, in one line."""


class _Vector(Struct):
    metric: Labels = {}
    value: tuple[float, str] | None = None
    values: tuple[tuple[float, str], ...] = ()


class _Data(Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Body(Struct, rename="camel"):
    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    error_type: str = ""
    error: str = ""
    warnings: tuple[str, ...] = ()


_BODY = msgspec.json.Decoder(_Body)
_VECTORS = msgspec.json.Decoder(tuple[_Vector, ...])
_SCALAR = msgspec.json.Decoder(tuple[float, str])


def answer_of(body: bytes) -> Answer:
    """Of a query or a range query. Raises `Refusal`, `NotPrometheus`."""
    whole = _body(body)
    try:
        data = msgspec.json.decode(whole.data, type=_Data)
        if data.result_type == "scalar":
            found: Iterable[_Vector] = (_Vector(value=_SCALAR.decode(data.result)),)
        elif data.result_type in ("vector", "matrix"):
            found = _VECTORS.decode(data.result)
        else:
            raise NotPrometheus(f"a {plain(data.result_type, 20)}, where series are expected")
        return Answer(tuple(_series(found)), _warnings(whole))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise NotPrometheus(f"not an answer of Prometheus: {plain(str(error), 120)}") from None


def names_of(body: bytes) -> tuple[str, ...]:
    """Of a question for label names or values. Raises `Refusal`, `NotPrometheus`."""
    try:
        return msgspec.json.decode(_body(body).data, type=tuple[str, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotPrometheus(f"not an answer of Prometheus: {plain(str(error), 120)}") from None


def complaint_of(body: bytes) -> str | None:
    """What Prometheus says in the body of a failure; None where it is not Prometheus that speaks."""
    try:
        _body(body)
    except Refusal as refusal:
        return str(refusal)
    except NotPrometheus:
        pass
    return None


def joined(answers: Iterable[Answer]) -> Answer:
    """The parts of one range, in their order, as if they had been one answer."""
    found: dict[Any, tuple[Labels, list[Point]]] = {}
    warnings: dict[str, None] = {}
    for answer in answers:
        warnings.update(dict.fromkeys(answer.warnings))
        for series in answer.series:
            found.setdefault(frozenset(series.labels.items()), (series.labels, []))[1].extend(series.points)
    return Answer(tuple(Series(labels, tuple(points)) for labels, points in found.values()), tuple(warnings))


def _body(body: bytes) -> _Body:
    try:
        whole = _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotPrometheus(f"not an answer of Prometheus: {plain(str(error), 120)}") from None
    if whole.status != "success":
        raise Refusal(plain(f"{whole.error_type}: {whole.error}" if whole.error else whole.status, 300))
    return whole


def _warnings(whole: _Body) -> tuple[str, ...]:
    return tuple(plain(warning, 200) for warning in whole.warnings[:_MOST_WARNINGS])


def _series(found: Iterable[_Vector]) -> Iterator[Series]:
    for each in found:
        written = (each.value,) if each.value is not None else each.values
        points = tuple((at, value) for at, text in written if math.isfinite(value := float(text)))
        if points:
            yield Series(each.metric, points)
