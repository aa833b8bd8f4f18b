"""A "model" of the demo: memory of a set size, and tokens that cost real CPU."""

from __future__ import annotations

import hashlib
import mmap

_TOKEN_READS = 768 * 1024
"""Bytes of the model one token hashes: about a millisecond of one core."""
_VOCABULARY = ("queue", "pool", "limit", "memory", "worker", "model", "waits", "grows", "serves", "reads", "and", "the")


class Model:
    """A model's memory: anonymous pages of its own, so that unloading gives them back at once."""

    def __init__(self, model_id: str, size: int) -> None:
        self.id = model_id
        self.size = size
        self.users = 0
        self._memory = mmap.mmap(-1, max(size, _TOKEN_READS), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        block = hashlib.shake_128(model_id.encode()).digest(1 << 20)
        for at in range(0, len(self._memory), len(block)):
            self._memory[at : at + len(block)] = block[: len(self._memory) - at]

    def tokens(self, prompt: str, count: int) -> list[str]:
        """That many words, each paid for with a pass over a part of the model. Blocks; call it in a thread."""
        words = []
        digest = hashlib.sha256(prompt.encode()).digest()
        with memoryview(self._memory) as memory:
            for _ in range(count):
                at = int.from_bytes(digest[:4], "big") % (len(memory) - _TOKEN_READS + 1)
                # Hashing lets other threads run, as a real runner's kernels do.
                digest = hashlib.sha256(digest + memory[at : at + _TOKEN_READS]).digest()
                words.append(_VOCABULARY[digest[0] % len(_VOCABULARY)])
        return words

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
