"""The two themes: what the style names of `presentation` look like on a dark and on a light ground.

The only place with colour values. Style sheets and widgets use names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.style import Style
from textual.theme import Theme

DARK, LIGHT = "mcptop-dark", "mcptop-light"


@dataclass(frozen=True)
class Colours:
    """The colours of a theme, by meaning."""

    ground: str
    raised: str
    """Header, table heading, footer."""
    selected: str
    track: str
    """The empty part of a bar."""
    text: str
    strong: str
    muted: str
    dim: str
    faint: str
    accent: str
    on_accent: str
    group: str
    ok: str
    warning: str
    critical: str
    memory: str
    disk: str
    tags: tuple[str, ...] = ()
    """Names that have to be told apart, in any order."""
    area: dict[str, str] = field(default_factory=dict)
    """Bodies of charts, darker than their edges."""


# Grounds and tracks of the dark theme have little saturation, because 256-colour terminals then get a grey for
# them and not a teal; the selected line keeps its green low, and so becomes a dark blue there.
COLOURS = {
    DARK: Colours(
        ground="#10151b", raised="#1c2025", selected="#1f2e4f", track="#333a43",
        text="#c9d2dc", strong="#eef2f6", muted="#8794a3", dim="#586574", faint="#353c45",
        accent="#4fd1c5", on_accent="#0b1116", group="#63b3f4",
        ok="#68c47e", warning="#f5b84b", critical="#ff6b6b", memory="#5aa9f0", disk="#b794f4",
        tags=("#4fd1c5", "#63b3f4", "#b794f4", "#68c47e", "#d9b97c", "#e39bb5"),
        area={"memory": "#27496b", "cpu": "#235a57", "warning": "#6b5223", "critical": "#6e3034"},
    ),
    LIGHT: Colours(
        ground="#fbfcfd", raised="#e9eef3", selected="#b4d0f0", track="#d5dde6",
        text="#27323d", strong="#0c141c", muted="#566472", dim="#8593a1", faint="#c3ccd6",
        accent="#0d857a", on_accent="#ffffff", group="#1664b0",
        ok="#1f8a3f", warning="#a96100", critical="#cf222e", memory="#1f6fbf", disk="#7a48c2",
        tags=("#0d857a", "#1664b0", "#7a48c2", "#1f8a3f", "#8a6a1f", "#b0446f"),
        area={"memory": "#b5d5f3", "cpu": "#b3ded9", "warning": "#f1d9ae", "critical": "#f5c1c1"},
    ),
}  # fmt: skip


def themes(no_colour: bool = False) -> list[Theme]:
    """Both themes, for Textual's own widgets and the style sheet; without colour a cursor is seen all the same."""
    known = [_theme(name, colours) for name, colours in COLOURS.items()]
    if no_colour:
        for theme in known:
            # Textual's lists know no reverse.
            theme.variables |= {"block-cursor-text-style": "bold underline", "input-cursor-text-style": "reverse"}
    return known


def styles(theme: str, no_colour: bool) -> Styles:
    """The styles of a theme; an unknown theme gets the dark ones."""
    colours = COLOURS.get(theme, COLOURS[DARK])
    return Styles(_plain_table() if no_colour else _table(colours), "" if no_colour else colours.selected)


_RAISED = {"dim": "muted", "faint": "muted", "muted": "text"}
"""Style names that the selected line replaces by a stronger one."""


_OWN_GROUND = ("bar.", "hit")
"""Style names whose ground means something: the selected line leaves it."""


class Styles:
    """Rich styles by name, on the normal ground and on the selected line; each is built once."""

    def __init__(self, table: dict[str, Style], selected: str) -> None:
        self._normal = table
        ground = Style(bgcolor=selected) if selected else Style(reverse=True)
        self._selected = {
            # In sixteen colours faint text and the selected line are the same grey: there text is a step stronger.
            name: style if name.startswith(_OWN_GROUND) and selected else table[_RAISED.get(name, name)] + ground
            for name, style in table.items()
        }

    def get(self, name: str, selected: bool = False) -> Style:
        """The style; a name nobody defined is plain text."""
        table = self._selected if selected else self._normal
        return table.get(name) or table["text"]


def _table(c: Colours) -> dict[str, Style]:
    tones = {
        "text": c.text, "strong": c.strong, "muted": c.muted, "dim": c.dim, "faint": c.faint,
        "accent": c.accent, "ok": c.ok, "warning": c.warning, "critical": c.critical, "group": c.group,
        "cpu": c.accent, "memory": c.memory, "disk": c.disk,
    }  # fmt: skip
    bold = {"strong", "group"}
    table = {name: Style(color=tone, bgcolor=c.ground, bold=name in bold) for name, tone in tones.items()}
    for name, tone in tones.items():
        table[f"{name}.strong"] = Style(color=tone, bgcolor=c.ground, bold=True)
        table[f"head.{name}"] = Style(color=tone, bgcolor=c.raised, bold=name in bold)
        table[f"bar.{name}"] = Style(color=tone, bgcolor=c.track)
    for name, tone in (("memory", c.memory), ("cpu", c.accent), ("warning", c.warning), ("critical", c.critical)):
        suffix = f"chart.{name}"
        table[f"{suffix}.edge"] = Style(color=tone, bgcolor=c.ground)
        table[f"{suffix}.area"] = Style(color=c.area[name], bgcolor=c.ground)
    table |= {
        "head": Style(color=c.text, bgcolor=c.raised),
        "heading": Style(color=c.muted, bgcolor=c.raised, bold=True),
        "heading.sorted": Style(color=c.accent, bgcolor=c.raised, bold=True),
        "limit": Style(color=c.critical, bgcolor=c.ground),
        "brand": Style(color=c.on_accent, bgcolor=c.accent, bold=True),
        **{
            f"badge.{name}": Style(color=c.on_accent, bgcolor=tones[name], bold=True)
            for name in ("warning", "critical", "ok", "muted")
        },
        "hit": Style(color=c.on_accent, bgcolor=c.warning, bold=True),
        **{f"tag.{number}": Style(color=tone, bgcolor=c.ground) for number, tone in enumerate(c.tags)},
        "notice": Style(color=c.warning, bgcolor=c.raised),
        "cursor": Style(color=c.accent, bgcolor=c.ground, bold=True),
        "key": Style(color=c.accent, bgcolor=c.raised, bold=True),
    }
    return table


def _plain_table() -> dict[str, Style]:
    """Without colour the same names differ by weight only; symbols and figures carry the meaning."""
    names = _table(COLOURS[DARK])
    bold = {"strong", "group", "heading", "heading.sorted", "key", "cursor"}
    badges = {name for name in names if name.partition(".")[0] in ("brand", "badge")}
    table = {name: Style(bold=name in bold or name.endswith(".strong") or None) for name in names}
    for name in ("dim", "muted", "faint", "head.dim", "head.muted"):
        table[name] = Style(dim=True)
    table["hit"] = Style(bold=True, underline=True)
    return table | dict.fromkeys(badges, Style(bold=True, reverse=True))


def _theme(name: str, c: Colours) -> Theme:
    return Theme(
        name=name, dark=name == DARK, primary=c.accent, secondary=c.group, accent=c.accent,
        warning=c.warning, error=c.critical, success=c.ok, foreground=c.text, background=c.ground,
        surface=c.raised, panel=c.raised, boost=c.selected,
        variables={
            "raised": c.raised, "selected": c.selected, "text-strong": c.strong, "text-dim": c.dim, "faint": c.faint,
            "scrollbar": c.track, "scrollbar-hover": c.dim, "scrollbar-active": c.accent,
            "scrollbar-background": c.ground, "scrollbar-background-hover": c.ground,
            "scrollbar-background-active": c.ground, "scrollbar-corner-color": c.ground,
            "block-cursor-background": c.selected, "block-cursor-foreground": c.strong,
            "block-cursor-text-style": "bold", "block-cursor-blurred-background": c.selected,
            "input-selection-background": c.selected, "input-cursor-background": c.strong,
            "border": c.faint, "border-blurred": c.faint,
        },
    )  # fmt: skip
