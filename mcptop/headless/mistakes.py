"""What is wrong with something somebody gave us: a name, a file, a target. Each is one line, and wrong usage."""

from mcptop.headless.report import ReportError
from mcptop.headless.snapshot import UnknownService
from mcptop.playbook.bundle import BundleError
from mcptop.playbook.expressions import ExpressionError
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.shelf import UnknownPlaybook
from mcptop.playbook.steps.catalogue import UnknownKind
from mcptop.playbook.subjects import NoSubject

MISTAKES = (
    BundleError, ExpressionError, NoSubject, PlaybookError, ReportError, UnknownKind, UnknownPlaybook, UnknownService,
)  # fmt: skip
