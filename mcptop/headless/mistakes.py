"""What is wrong with something somebody gave us: a name, a file, a target, a full disk. Each is one line."""

from mcptop.exit_status import ExitStatus
from mcptop.export.rule_lint import RulesError
from mcptop.headless.pipe import NoOutput
from mcptop.headless.report import ReportError
from mcptop.headless.snapshot import UnknownService
from mcptop.new_files import WritingError
from mcptop.playbook.bundle import BundleError
from mcptop.playbook.expressions import ExpressionError
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.shelf import UnknownPlaybook
from mcptop.playbook.steps.catalogue import UnknownKind
from mcptop.playbook.subjects import CouldNotLook, NoSubject
from mcptop.recording.errors import RecordingError
from mcptop.sources.prometheus import PrometheusError

_MISTAKES = (
    BundleError, ExpressionError, NoOutput, NoSubject, PlaybookError, PrometheusError, RecordingError, ReportError,
    RulesError, UnknownKind, UnknownPlaybook, UnknownService, WritingError,
)  # fmt: skip


def status_of(error: Exception) -> ExitStatus | None:
    """With which exit code it ends; None for what is no mistake of theirs, but a defect."""
    if isinstance(error, CouldNotLook):
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.USAGE if isinstance(error, _MISTAKES) else None
