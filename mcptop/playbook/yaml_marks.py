"""YAML with the line of every value, so that a mistake found later can still be shown where it stands."""

from __future__ import annotations

from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Where a value is: keys and positions from the top."""


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
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise YamlError(error.problem or "not YAML", mark.line + 1 if mark else 1) from None
        except yaml.YAMLError as error:
            raise YamlError(str(error).splitlines()[0], 1) from None
        self._constructor = yaml.SafeLoader("")
        self.value: Any = None if node is None else self._build(node, (), 0)

    def line(self, path: Path) -> int:
        """The line of a part, or of what it would be in, counted from 1."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _build(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if depth > 30:
            raise YamlError("nested too deeply", node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(each, (*path, at), depth + 1) for at, each in enumerate(node.value)]
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise YamlError(str(error).splitlines()[0], node.start_mark.line + 1) from None

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in found:
                raise YamlError(f"`{key}` stands here twice", line)
            self._lines[(*path, key)] = line
            found[key] = self._build(value_node, (*path, key), depth + 1)
        return found
