"""What each model needs: the guide's table, corrected."""

from __future__ import annotations

from dataclasses import dataclass

from mcptop.demo.systems.sizes import parse_bytes


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's memory, in bytes, and how it is run."""

    id: str
    memory_bytes: int
    context_length: int
    batch_size: int


_DEFAULT_MEMORY = "4g"
_DEFAULT_CONTEXT = 2048

MODEL_MEMORY = {
    model.id: model
    for model in (
        # The first two are not the guide's: the smallest of its profiles holds both, which one of its own would fill.
        ModelSpec("smollm2-360m", parse_bytes("512m"), 2048, 1),
        ModelSpec("tinyllama-1.1b", parse_bytes("1536m"), 2048, 1),
        ModelSpec("smollm2-1.7b", parse_bytes("2g"), 2048, 1),
        ModelSpec("llama3-8b", parse_bytes("8g"), 4096, 1),
        # The guide says 32g: 70 billion weights of 4 to 5 bits are about 40 GB before the first token is cached.
        ModelSpec("llama3-70b", parse_bytes("48g"), 4096, 1),
    )
}


def spec(model_id: str) -> ModelSpec:
    """The model's entry; for one that is not in the table, the guide's 4g."""
    return MODEL_MEMORY.get(model_id) or ModelSpec(model_id, parse_bytes(_DEFAULT_MEMORY), _DEFAULT_CONTEXT, 1)
