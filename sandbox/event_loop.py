"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from threading import Thread
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

T = TypeVar("T")


class EventLoopThread:
    """Runs coroutines for a thread that has no event loop. A context manager."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop
        self._cleanup = ExitStack()

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine, and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        thread = Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        thread.start()
        self._cleanup.callback(self._loop.close)
        self._cleanup.callback(thread.join)
        self._cleanup.callback(self._loop.call_soon_threadsafe, self._loop.stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cleanup.close()
