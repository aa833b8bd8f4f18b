"""Sizes as Docker reads them."""

import pytest

from mcptop.demo.systems.sizes import parse_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2g", 2 << 30),
        ("512m", 512 << 20),
        ("1.5G", 3 << 29),
        ("64KiB", 64 << 10),
        ("64kb", 64 << 10),
        ("1 t", 1 << 40),
        ("100", 100),
        ("100b", 100),
        (" 1m ", 1 << 20),
    ],
)
def test_sizes_are_powers_of_1024(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "g", "2x", "-1g", "2gg", "1ib", "1e3", "${MODEL_MEMORY_LIMIT}"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size") as caught:
        parse_bytes(text)
    assert f"`{text}`" in str(caught.value)
