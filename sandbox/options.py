"""How the 4me API of a sandbox is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.fourme.collection import SortOrder
    from sandbox.fourme.uploads import Provider


@dataclass(frozen=True)
class FourMeOptions:
    """How the 4me API is served.

    Attributes:
        data: The content of a data file; None for the packaged sample.
        path: The file to write the data to after every change; None keeps it in memory.
        storage: The provider of the attachment storage, `s3` or `local`.
        size_limit: The maximum size of an upload, in bytes; None for the limit in the data.
        allowed_extensions: Without dots, empty for all; None for those in the data.
        port: The port; 0 for a free one.
        uploads: The folder that keeps uploaded files; None for one that is removed at the end.
        history: How many old notes are added to every request.
        notes_order: `asked` lists notes as the caller asks; `ascending` and `descending` are a
            server that ignores `sort`.
        rewrite_note: Changes the text of a note before it is stored; None keeps it.
        ignored_fields: Fields that a PATCH ignores silently, as they are sent, such as `team_id`.
        ignore_case: Whether filters ignore the case of texts.
        policy_seconds: How long an upload policy is valid, in seconds.
    """

    data: dict[str, object] | None = None
    path: Path | None = None
    storage: Provider = "s3"
    size_limit: int | None = None
    allowed_extensions: tuple[str, ...] | None = None
    port: int = 0
    uploads: Path | None = None
    history: int = 0
    notes_order: SortOrder = "asked"
    rewrite_note: Callable[[str], str] | None = None
    ignored_fields: frozenset[str] = frozenset()
    ignore_case: bool = False
    policy_seconds: float = 3600.0
