"""Pages that are no metrics and say something of pools or models all the same."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from mcptop.adapters.mapping import MAX_FIGURE, MAX_NAMES, Mapped
from mcptop.model.flow import Confidence, Model
from mcptop.model.flow_reading import PoolReading
from mcptop.units import plain

_STUB_STATUS = re.compile(
    rb"\s*Active connections:\s*(\d{1,12})\s+server accepts handled requests\s+\d+\s+\d+\s+\d+\s+"
    rb"Reading:\s*\d+\s+Writing:\s*\d+\s+Waiting:\s*(\d{1,12})\s*"
)


class _OllamaModel(Struct):
    name: str
    size: int | None = None
    size_vram: int | None = None


class _Ollama(Struct):
    models: list[_OllamaModel]


class _Runner(Struct):
    backend_name: str
    model_name: str


def stub_status(data: bytes) -> Mapped | None:
    """nginx's own status page; None when it is another one."""
    if not (found := _STUB_STATUS.fullmatch(data)):
        return None
    active, idle = int(found[1]), int(found[2])
    in_use = active - idle if active >= idle else None
    pool = PoolReading("connections", kind="server", in_use=in_use, idle=idle, confidence=Confidence.DERIVED)
    return Mapped(pools=(pool,), names=("nginx",))


def read_json(data: bytes) -> Mapped | None:
    """The loaded models by Ollama's `/api/ps` or Docker Model Runner's `/engines/ps`; None when it is neither."""
    try:
        found = msgspec.json.decode(data, type=_Ollama | list[_Runner])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, _Ollama):
        models = tuple(
            Model(plain(m.name), _bytes(m.size), vram_bytes=_bytes(m.size_vram)) for m in found.models[:MAX_NAMES]
        )
        return Mapped(models=models, names=("ollama",))
    names = dict.fromkeys(plain(runner.model_name) for runner in found[:MAX_NAMES])
    return Mapped(models=tuple(map(Model, names)), names=("docker-model-runner",))


def _bytes(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= MAX_FIGURE else None
