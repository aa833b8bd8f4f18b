"""Numbers as text for people: bytes, ratios, rates, durations and one-line charts. Pure functions.

Every function takes None for unknown and gives "-": unknown never looks like zero.
"""

from collections.abc import Sequence
from math import isfinite
from unicodedata import category

UNKNOWN = "-"
_BLANK = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters, by the standard, that show nothing."""
_MOST_MARKS = 3
"""Accents and vowel signs on one letter."""
_BARS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def size(count: float | None, unit: str = "") -> str:
    """Bytes in at most five characters, powers of 1024: 812, 1.4K, 781M, 1.0G."""
    if count is None or not isfinite(count):
        return UNKNOWN
    sign, value = ("-" if count < 0 else ""), abs(count)
    for letter in ("", "K", "M", "G", "T"):
        if value < 999.5:
            digits = 1 if letter and value < 9.95 else 0
            return f"{sign}{value:.{digits}f}{letter}{unit}"
        value /= 1024
    return f"{sign}{value:.0f}P{unit}"


def long_size(count: float | None) -> str:
    """Bytes spelled out: 781 MiB, 1.0 GiB."""
    text = size(count)
    if text == UNKNOWN:
        return text
    return f"{text[:-1]} {text[-1]}iB" if text[-1].isalpha() else f"{text} B"


def percent(ratio: float | None) -> str:
    """A ratio as whole percent: 0.384 gives 38%."""
    if ratio is None or not isfinite(ratio):
        return UNKNOWN
    return f"{ratio * 100:.0f}%"


def duration(seconds: float | None) -> str:
    """A span in its two largest units: 4.2s, 12m 5s, 3h 12m, 6d 4h."""
    if seconds is None or not isfinite(seconds):
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    for name, length, minor, minor_length in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "m", 60),
        ("m", 60, "s", 1),
    ):
        if whole >= length:
            rest = whole % length // minor_length
            return f"{whole // length}{name} {rest}{minor}" if rest else f"{whole // length}{name}"
    return f"{whole}s"


def span(seconds: float | None) -> str:
    """A wait as one reads it in a sentence: 30 ms, 1.2 s, 2m 10s."""
    if seconds is None or not isfinite(seconds):
        return UNKNOWN
    if seconds >= 10:
        return duration(seconds)
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def about(seconds: float | None) -> str:
    """A time to come or gone by, in one unit: 12 s, 41 min, 3 h, 6 d."""
    if seconds is None or not isfinite(seconds):
        return UNKNOWN
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= (length if unit != "d" else 2 * length):
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def of(part: float | None, whole: float | None) -> str:
    """`50/50`; `12` where the whole is unknown."""
    return count(part) if whole is None else f"{count(part)}/{count(whole)}"


def usage(in_use: int | None, opened: int | None, most: int | None) -> str:
    """In use, of at most so many; where only the open ones were counted: `≤4123`."""
    if in_use is None and opened is not None:
        return f"≤{of(opened, most)}"
    return of(in_use, most)


def rate(per_s: float | None) -> str:
    """Events a second, in at most six characters: 0.4/s, 3/s, 12k/s; what is rarer than 0.05 is not none."""
    if per_s is None or not isfinite(per_s):
        return UNKNOWN
    number = abs(per_s)
    if 0 < number < 0.05:
        return "<0.1/s"
    text = f"{number:.1f}".removesuffix(".0") if number < 9.95 else count(number)
    return f"{'-' if per_s < 0 else ''}{text}/s"


def count(number: float | None) -> str:
    """A count in at most four characters: 0, 211, 12k."""
    if number is None:
        return UNKNOWN
    return f"{number:.0f}" if number < 9999.5 else f"{number / 1000:.0f}k"


def measure(value: float | None, unit: str) -> str:
    """A value with its unit's name, as evidence has it: bytes, count, cores, ratio, seconds, bytes/s, 1/s."""
    if value is None or not isfinite(value):
        return UNKNOWN
    match unit:
        case "bytes":
            return long_size(value)
        case "bytes/s" | "bytes_per_s":
            return f"{long_size(value)}/s"
        case "ratio":
            return percent(value)
        case "seconds":
            return span(value)
        case "1/s" | "per_s":
            return rate(value)
        case "count":
            return count(value) if value == int(value) else f"{value:.1f}"
        case "cores":
            return f"{value:.2f} cores"
    number = f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{number} {unit}".strip()


def sparkline(values: Sequence[float | None], top: float) -> str:
    """One character a value, scaled from 0 to `top`, so that an idle service looks idle; a gap is a space."""
    if top <= 0:
        top = 1.0
    steps = len(_BARS) - 1
    return "".join(" " if value is None else _BARS[min(steps, max(0, round(value / top * steps)))] for value in values)


def bar(ratio: float | None, width: int) -> str:
    """A bar of `width` cells in steps of an eighth, without its empty part."""
    if ratio is None or width <= 0:
        return ""
    eighths = round(min(1.0, max(0.0, ratio)) * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def plain(text: str, limit: int = 200) -> str:
    """Text of a container made harmless: control characters become spaces, and it ends at `limit` characters.

    Bidirectional overrides and zero-width characters count as control characters: they can make a name
    read as another one. So do letters that are blank, and marks beyond those a letter has in any script.
    """
    clean = printable(text[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def printable(text: str) -> str:
    """As `plain`, as long as it is, but for what takes no room: those characters are left out."""
    if text.isascii():
        return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    found: list[str] = []
    marks = 0
    for character in text:
        if not character.isprintable() or character in _BLANK:
            character = " "
        marks = marks + 1 if category(character) in ("Mn", "Me") else 0
        # Terminals and libraries do not agree how wide a character is that one of these selectors follows.
        if marks <= _MOST_MARKS and not _is_selector(character):
            found.append(character)
    return "".join(found)


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def many(number: int, one: str) -> str:
    """`1 thread`, `5 threads`."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def nearest(name: str, known: Sequence[str]) -> str:
    """What to say of a name that nobody has: those that look like it, else the first of those there are."""
    from difflib import get_close_matches

    if near := get_close_matches(name, known, n=3):
        return f"nearest: {', '.join(map(plain, near))}"
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return f"there are {', '.join(map(plain, known[:_MOST_NAMES]))}{more}" if known else "there is none at all"


_MOST_NAMES = 5
