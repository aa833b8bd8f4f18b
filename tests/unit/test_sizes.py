"""No file and no function grows past what one can read in one go."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2] / "mcptop"
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
LONGER = {
    "assembly.py:_instance": "one value after the other of one struct",
    "cli/diagnose.py:diagnose": "options of the command line",
    "playbook/steps/threads.py:read": "one figure after the other",
    "presentation/figures.py:of_instance": "one value after the other of one struct",
    "sources/command.py:run": "every way a program can end",
    "ui/keys/listeners.py:chains": "a table",
}


def test_files_are_short():
    long = {str(path.relative_to(ROOT)): count for path in ROOT.rglob("*.py")
            if (count := len(path.read_text().splitlines())) > LONGEST_FILE}  # fmt: skip
    assert not long


def test_functions_are_short():
    long = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.add(f"{path.relative_to(ROOT)}:{node.name}")
    assert long == set(LONGER), "a name that is no longer too long goes from the list"
