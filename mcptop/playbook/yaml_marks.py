"""YAML with the line of every value, so that a mistake found later can still be shown where it stands."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Where a value is: keys and positions from the top."""

_LONGEST = 1 << 20
_DEEPEST = 30
_MOST_PARTS = 50_000
"""With what aliases repeat: ten lines of them can stand for more than any memory holds."""
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class YamlError(Exception):
    """Not YAML, or not the plain kind a playbook may be; `line` counts from 1."""

    def __init__(self, says: str, line: int) -> None:
        super().__init__(says)
        self.says = says
        self.line = line


class Marked:
    """A document: its value, and the line of each part."""

    def __init__(self, text: str) -> None:
        """Raises `YamlError`."""
        self._lines: dict[Path, int] = {}
        self._parts = 0
        self._constructor = yaml.SafeLoader("")
        node = _composed(text)
        self.value: Any = None if node is None else self._build(node, (), 0)

    def line(self, path: Path) -> int:
        """The line of a part, or of what it would be in, counted from 1."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _build(self, node: yaml.Node, path: Path, depth: int) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)
        self._parts += 1
        if depth > _DEEPEST:
            raise YamlError("nested too deeply", line)
        if self._parts > _MOST_PARTS:
            raise YamlError(f"more than {_MOST_PARTS} values", line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        if node.tag not in _PLAIN_TAGS:
            raise YamlError(f"a tag (`{node.tag}`) is not for playbooks", line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        return [self._build(each, (*path, at), depth + 1) for at, each in enumerate(node.value)]

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        try:
            return self._constructor.construct_object(node)
        except yaml.MarkedYAMLError as error:
            raise YamlError(error.problem or "not a value", line) from None
        except Exception:
            # The constructors take what a tag says on trust: `!!int ''`, `!!bool x`.
            raise YamlError(f"`{node.value}` is not what its tag or form says", line) from None

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError("a key has to be a word", line)
            key = str(key_node.value)
            if key in found:
                raise YamlError(f"`{key}` stands here twice", line)
            self._lines[(*path, key)] = line
            found[key] = self._build(value_node, (*path, key), depth + 1)
        return found


@lru_cache(maxsize=64)
def marked(text: str) -> Marked:
    """The document, read once: the shared hypotheses are asked for again and again. Raises `YamlError`."""
    return Marked(text)


def _composed(text: str) -> yaml.Node | None:
    if len(text) > _LONGEST:
        raise YamlError("larger than any playbook", 1)
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(error.problem or "not YAML", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error).splitlines()[0], 1) from None
    except RecursionError:
        raise YamlError("nested too deeply", 1) from None
