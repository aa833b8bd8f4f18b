"""What secrets look like in command lines, environments, URLs, headers, configuration and logs: one pattern each.

Every pattern stands to lose text that was no secret rather than leave one that was. None may take more than linear
time on hostile text: each begins at a literal or a boundary, and what repeats is bounded or cannot match in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_WORDS = (
    r"passw(?:or)?d|passphrase|passcode|secret|token|credentials?|(?<=[_-])pass"
    r"|(?:api|access|private|signing|encryption|auth|master|shared|account|storage)[_-]?key"
    r"|secret[_-]?(?:access[_-]?)?key|session[_-]?id|connection[_-]?string|(?<![a-z])pass(?==(?!\d+(?:[\s\x00]|\Z)))|pwd(?!=/)"
    r"|(?<=_)auth(?!=(?:\d|yes|no|on|off)(?:[\s\x00]|\Z))|(?<=x-)auth|(?<=[_-])signature|signature(?==)|(?<=[?&])sig(?==)"
)
_KEY = (
    rf"(?:(?:{_WORDS})(?:[_-]?(?:\d++|value|base|key|prod|dev|test|current|previous|old|new|b64|base64))*+"
    r"|(?-i:(?<=[A-Z0-9])_KEY))"
)
"""The end of a name whose value is a secret. `tokens`, `token_count` and `password_file` are none."""
_GAP = r"[\s\x00]"
_QUOTED = (
    r"""\\"((?:[^"\\\n\x00]|\\[^"\n\x00]){1,4096})\\"|"((?:[^"\\\n\x00]|\\[^\n\x00]){1,4096})\""""
    r"""|'((?:[^'\\\n\x00]|\\[^\n\x00]){1,4096})'"""
)
_BARE = r"""((?:[^\s"'\x00,;&)\]}\\]|\\(?![nrtu"'])|[,;&)\]}](?![\w.-]{1,64}=|[\s,;&)\]}"'\x00]|\Z))+)"""
_HALF_QUOTED = r"""\\?["']([^\s"'\x00]+)"""
_VALUE = rf"(?:{_QUOTED}|{_BARE}|{_HALF_QUOTED})"
_ARGUMENTS = rf"(?:{_GAP}+[^\s\x00]+){{0,30}}?{_GAP}"


class Form(NamedTuple):
    """One way to write a secret; the group of `pattern` that matched is the secret."""

    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    """Small letters; text without any of them cannot match."""


def _form(pattern: str, *hints: str, flags: int = re.IGNORECASE) -> Form:
    return Form(re.compile(pattern, flags | re.ASCII), hints)


_NAMES = ("pass", "secret", "token", "credential", "key", "session", "string", "pwd", "auth", "sig")

FORMS = (
    _form(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----((?:(?!-----)[^\x00])+)", "private key-----", flags=0),
    # postgres://user:secret@host, and https://secret@host
    _form(r"""://[^\s/?#@:"'\x00]*:([^\s"'/?#\x00]+)@""", "://"),
    # A slash or the like in it makes the rest look like a path, as a port before a path with an @ looks like it.
    _form(r"""://[^\s/?#@:"'\x00]*:([^\s"'/?#@\x00]*[/?#](?:(?!://)[^\s"'\x00])*)@""", "://"),
    _form(r"""://([\w.~-]{16,})@""", "://"),
    _form(r"""hooks\.slack\.com/(?:services|workflows|triggers)/([^\s"'<>\x00]+)""", "hooks.slack"),
    # user:secret@tcp(host:3306)/name
    _form(r"""(?<![^\s"'=\x00])[^\s:@/"'=\x00]+:([^\s/"'\x00]+)@(?:tcp|unix)\(""", "@tcp(", "@unix("),
    _form(
        r"""authorization\\?["']?[ \t]*[:=,][ \t]*\\?["']?(?:[a-z][a-z-]{2,20}[ \t]+)?([^\s"',\\\x00]+)""",
        "authorization",
    ),
    _form(r"""\bcookie\\?["']?[ \t]*[:=,][ \t]*\\?["']?([^\r\n"'\\\x00]+)""", "cookie"),
    _form(r"""\bbearer[ \t]+((?=[a-z._~+/=-]{0,200}\d|[\w.~+/=-]{20})[\w.~+/=-]{8,})""", "bearer"),
    # "password": "secret", and the same inside a string of JSON
    _form(rf"""{_KEY}\\?["'][ \t]*[:=][ \t]*(?:{_QUOTED})""", *_NAMES),
    # PASSWORD=secret, password = 'secret', password: secret
    _form(rf"""{_KEY}(?:[ \t]*=[ \t]*|:[ \t]+|:(?=\\?["'])){_VALUE}""", *_NAMES),
    # --password secret
    _form(rf"""(?<![\w-])-{{1,2}}+(?!no-)[\w-]*?{_KEY}(?:[ \t]+|\x00)(?!-){_VALUE}""", *_NAMES),
    # ["--password", "secret"]
    _form(rf"""(?<![\w-])-{{1,2}}+[\w-]*?{_KEY}\\?["'],\s*\\?["']([^"'\x00]+)""", *_NAMES),
    # --auth user:secret
    _form(
        r"""(?<![\w-])-{1,2}+(?!no-)[\w-]*auth(?:[ \t=\x00]+|\\?["'],\s*)\\?["']?(?!-)"""
        r"""(?:[^\s:\x00"']+:)?([^\s\x00"']+)""",
        "auth",
    ),
    _form(rf"""(?<![\w-])(?:mysql\w*|mariadb[\w-]*){_ARGUMENTS}-p([^\s\x00"']+)""", "mysql", "mariadb"),
    _form(rf"""(?<![\w-])redis-cli{_ARGUMENTS}(?:-a|--pass){_GAP}+([^\s\x00"']+)""", "redis-cli"),
    _form(rf"""(?<![\w-])curl{_ARGUMENTS}(?:-u|--user)[\s\x00=]*+[^\s:\x00]+:([^\s\x00"']+)""", "curl"),
    _form(rf"""(?<![\w-])sshpass{_GAP}+-p{_GAP}*([^\s\x00"']+)""", "sshpass"),
    _form(r"""(?:requirepass|masterauth)[\s\x00"',:=]+([^\s\x00"',]+)""", "requirepass", "masterauth"),
    # SQL: CREATE ROLE ... PASSWORD 'secret'
    _form(r"""(?:password|identified\s+by)\s+'((?:[^'\x00]|''){1,4096})'""", "password", "identified"),
    # Those that can be told by their own form: cloud keys, forges, chat, payment, JSON web tokens.
    _form(r"(?<![A-Za-z0-9])((?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16})(?![A-Za-z0-9])",
          "akia", "asia", "agpa", "aida", "aroa", flags=0),
    _form(r"(?<![\w-])(eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3})", "eyj", flags=0),
    _form(r"(?<![\w-])((?:gh[pousr]_|github_pat_|hf_|[sr]k_(?:live|test)_|glpat-|sk-|xox[abeoprs]-|AIza"
          r"|npm_(?=[A-Za-z0-9]{36}))[\w-]{16,})",
          "gh", "hf_", "k_live_", "k_test_", "glpat-", "sk-", "xox", "aiza", "npm_", flags=0),
)  # fmt: skip

MASK = "••••"
"""What stands for a secret where people look; it does not tell how long the secret is."""
_ROUNDS = 8
"""A hidden secret can show another one, seldom more than once."""

_NAMED = re.compile(rf"(?:{_KEY}|(?<![a-z])(?:authorization|cookie))\Z", re.IGNORECASE | re.ASCII)
_HARMLESS = re.compile(r"(?:none|null|nil|true|false|undefined|\*+|\$\{?\w+\}?|\$\(\w+\)|)", re.IGNORECASE | re.ASCII)


def names_a_secret(key: str) -> bool:
    """Whether what goes by this name is one: `password`, `DB_PASSWORD`, `apiKey`."""
    return _NAMED.search(key[-100:]) is not None


def is_harmless(value: str) -> bool:
    """Whether it only stands where a secret could: nothing, null, stars, the name of a variable."""
    return _HARMLESS.fullmatch(value) is not None


def found(text: str) -> Iterator[Form]:
    """The forms that can occur in the text at all."""
    small = text.lower()
    return (form for form in FORMS if any(hint in small for hint in form.hints))


def masked(text: str) -> str:
    """The text with `MASK` for each secret. A command line has its NULs still in it: they say where a word ends."""
    for _ in range(_ROUNDS):
        before = text
        for form in found(text):
            text = form.pattern.sub(_mask, text)
        if text == before:
            break
    return text


def _mask(match: re.Match[str]) -> str:
    at = match.lastindex or 0
    if is_harmless(match[at]):
        return match[0]
    start, end = match.start(at) - match.start(), match.end(at) - match.start()
    return match[0][:start] + MASK + match[0][end:]
