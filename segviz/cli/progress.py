"""Progress on stderr: a bar in a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["INTERVAL", "ProgressBar"]

INTERVAL = 5.0
"""Seconds between two lines."""

REDRAWN = 0.2
"""Seconds between two changes of the words beside a bar."""


class ProgressBar:
    """The progress of some work; to be used as a context.

    Arguments:
        total: The number of items.
        unit: What an item is, such as "step".
        title: What is at work, or "".
        disable: Whether nothing is shown.

    Attributes:
        is_terminal: Whether there is a bar.
    """

    def __init__(self, total: int, unit: str, title: str = "", disable: bool = False) -> None:
        self.is_terminal = not disable and sys.stderr.isatty()
        self._disable = disable
        self._total, self._unit, self._title = total, unit, title
        self._began = self._written = time.monotonic()
        self._bar: tqdm | None = None
        if self.is_terminal:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=unit, desc=title or None)

    def update(self, done: int, words: str = "") -> None:
        """Show how many items are done.

        Arguments:
            done: The number of items.
            words: What else there is to tell, or "".
        """
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
            if now - self._written >= REDRAWN:
                self._written = now
                self._bar.set_postfix_str(words)
        elif not self._disable and now - self._written >= INTERVAL:
            self._written = now
            self._print(done, words, now - self._began)

    def _print(self, done: int, words: str, seconds: float) -> None:
        left = seconds * (self._total - done) / done if done else None
        ends = "" if left is None else f", about {left:.0f} s left"
        head = f"{self._title}: " if self._title else ""
        more = f"; {words}" if words else ""
        print(f"segviz: {head}{self._unit} {done} of {self._total}{ends}{more}", file=sys.stderr)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
