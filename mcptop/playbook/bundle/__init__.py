"""A bundle: one file with all that a diagnosis saw, to be sent to somebody, and judged again anywhere.

A tar.gz: `manifest.json` (what made it, and the hash of every other member), `case.json` (all a verdict follows from),
`verdict.json`, the playbook's files for people, and the raw outputs of the steps, without their secrets.
"""

from mcptop.playbook.bundle.manifest import BundleError
from mcptop.playbook.bundle.reading import read
from mcptop.playbook.bundle.writing import packed, write

__all__ = ["BundleError", "packed", "read", "write"]
