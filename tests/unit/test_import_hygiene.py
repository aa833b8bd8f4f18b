"""What a command loads: the dashboard's code and the engine's package only where they are used."""

import subprocess
import sys

import pytest


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["cli.main", "headless.snapshot", "headless.doctor", "headless.table", "headless.judge", "headless.playbooks",
     "headless.steps", "live", "monitor", "headless.handover", "serve.command", "headless.recommend",
     "headless.observing",
     "exporter.command", "export.grafana"],
)  # fmt: skip
def test_headless_commands_never_load_textual(module: str) -> None:
    assert not {name for name in loaded_by(f"import mcptop.{module}") if name.split(".")[0] == "textual"}


def test_the_command_line_loads_neither_the_engines_package_nor_tables() -> None:
    assert not loaded_by("import mcptop.cli.main") & {"docker", "requests", "rich", "httpx", "psutil"}


def test_the_live_source_loads_the_engines_package_only_when_it_connects() -> None:
    assert "docker" not in loaded_by("import mcptop.live")


def test_judging_needs_neither_the_machine_nor_the_reports_that_are_files() -> None:
    loaded = loaded_by("import mcptop.headless.judge")
    assert not {name for name in loaded if name.startswith(("mcptop.live", "mcptop.collectors", "mcptop.monitor"))}
    assert not loaded & {"docker", "httpx", "mcptop.playbook.report_html"}


@pytest.mark.parametrize("module", ["ui.app", "headless.replayed_diagnosis"])
def test_the_dashboard_loads_playbooks_only_when_one_is_asked_for(module: str) -> None:
    assert not loaded_by(f"import mcptop.{module}") & {
        "yaml",
        "jinja2",
        "mcptop.playbook.diagnosis",
        "mcptop.playbook.load",
    }
