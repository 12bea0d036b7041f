"""A sandbox: Relay's metadata service and 4me's REST API on loopback.

From the command line: `python -m sandbox --help`. From tests:

    with Sandbox(document_for({"request": ...}), fourme=FourMeOptions()) as sandbox:
        run_step(env=sandbox.environment())
        assert sandbox.store.notes(80339)
"""

from sandbox.calls import RecordedCall
from sandbox.faults import FAULTS, FaultError
from sandbox.fourme.attachments import Upload
from sandbox.fourme.store import Store
from sandbox.options import FourMeOptions
from sandbox.relay.document import FOURME_HOST, Document, DocumentError, document_for, load, parse
from sandbox.relay.expression_syntax import ExpressionError
from sandbox.sandbox import Sandbox

__all__ = [
    "FAULTS",
    "FOURME_HOST",
    "Document",
    "DocumentError",
    "ExpressionError",
    "FaultError",
    "FourMeOptions",
    "RecordedCall",
    "Sandbox",
    "Store",
    "Upload",
    "document_for",
    "load",
    "parse",
]
