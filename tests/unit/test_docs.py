"""The documentation names what there is: every field of the JSON, every exit code, every setting."""

import re
from pathlib import Path

import msgspec
import pytest
from textual.binding import Binding

from mcptop import config, server_settings
from mcptop.alert_settings import Notify, OwnAlert
from mcptop.alerts import rules
from mcptop.cli.main import cli
from mcptop.demo.faults.catalogue import FAULTS
from mcptop.exit_status import ExitStatus
from mcptop.keymaps import shipped
from mcptop.model import alert, flow, frame, host, instance, swarm
from mcptop.presentation import filter_fields
from mcptop.ui.keys.listeners import chains
from mcptop.views import saved

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "noun",
    [frame.Service, frame.SourceReport, frame.Own, instance.Instance, instance.Cpu, instance.Memory,
     instance.FileDescriptors, instance.Sockets, host.Host, host.Filesystem, flow.Pool, flow.Queue, flow.Model,
     flow.Budget, flow.Share, alert.Alert, swarm.SwarmService, swarm.TaskTrouble, swarm.SwarmNode],
)  # fmt: skip
def test_every_field_of_the_document_is_described(noun: type[msgspec.Struct]) -> None:
    text = (ROOT / "docs" / "snapshot.md").read_text()
    assert not [name for name in noun.__struct_fields__ if name not in text]


def test_every_setting_is_described() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    tables = [config.Settings, config.ServiceRule, server_settings.PostgresServer, server_settings.RedisServer]
    tables.append(server_settings.PrometheusServer)
    alerts = (ROOT / "docs" / "alerts.md").read_text()
    ours = [name for table in (OwnAlert, Notify) for name in msgspec.structs.fields(table)]
    assert not [name.encode_name for name in ours if name.encode_name not in alerts]
    names = [*config.ENVIRONMENT, *(name for table in tables for name in table.__struct_fields__)]
    assert not [name for name in names if name not in text]


def test_every_exit_code_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert not [status for status in ExitStatus if f"| {status.value} |" not in text]


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert not [name for name in cli.commands if f"\nmcptop {name} " not in text]
    group = cli.commands["playbooks"]
    line = next(line for line in text.splitlines() if line.startswith("mcptop playbooks "))
    assert not [name for name in group.commands if name not in line]  # type: ignore[attr-defined]


def test_every_rule_of_the_alerts_is_described() -> None:
    text = (ROOT / "docs" / "snapshot.md").read_text()
    assert not [rule.id for rule in rules.RULES if f"`{rule.id}`" not in text]


def test_every_module_stands_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    places = {path.name for path in (ROOT / "mcptop").iterdir() if path.suffix == ".py" or path.is_dir()}
    left_out = {"__init__.py", "__main__.py", "__pycache__", "exit_status.py"}
    assert not [name for name in places - left_out if name not in text]


def test_every_fault_is_described_as_it_is() -> None:
    text = (ROOT / "docs" / "demo.md").read_text()
    for each in FAULTS:
        docker = " (Docker)" if each.needs_docker else ""
        assert f"| `{each.name}`{docker} | {each.service} | `{each.mechanism}` | {each.shows} |" in text


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "playbooks" / "README.md"],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)  # fmt: skip
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), link
        assert not anchor or anchor in _anchors(there), link


def test_every_field_of_the_filter_is_described() -> None:
    text = (ROOT / "docs" / "filter.md").read_text()
    assert not [name for name in (*filter_fields.NAMES, *filter_fields.LEVELS) if f"`{name}`" not in text]


def test_every_action_of_the_dashboard_and_every_keymap_is_described() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    listening = [one for part in chains()["dashboard"] for one in part if isinstance(one, Binding)]
    names = [str(one.id).partition(".")[2] for one in listening if not str(one.id).startswith("dashboard.tab-")]
    assert not [name for name in names if f"`{name}`" not in text]
    assert not [name for name in shipped.names() if f"| `{name}` |" not in text]


def test_every_field_and_every_shipped_view_is_described() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    assert not [name for name in saved.SavedView.__struct_fields__ if f"\n{name} = " not in text]
    assert not [name for name in saved.shipped() if f"`{name}`" not in text]
