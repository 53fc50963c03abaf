"""A command on a terminal of its own, where Ctrl-C is typed and not sent."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from application import Application

CTRL_C = b"\x03"
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
PATIENCE_S = 60.0
# The terminal becomes the process's own, so that its keys are signals to it alone.
CODE = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from batchctl.cli import main
main()
"""


class Terminal:
    """`batchctl` in the application's folder; `shown` is all that it has written so far."""

    def __init__(self, application: Application, *arguments: str) -> None:
        self._keyboard, screen = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            [sys.executable, "-c", CODE, *arguments],
            cwd=application.folder,
            env={**application.environment, "TERM": "xterm", "COLUMNS": "200"},
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
        )
        os.close(screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._keyboard)

    def press_ctrl_c(self) -> None:
        os.write(self._keyboard, CTRL_C)

    def read_until(self, text: str) -> None:
        """Read what is written until `text` is there."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.shown and self._read():
            assert time.monotonic() < deadline, self.shown
        assert text in self.shown

    def has_ended_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def exit_code(self) -> int:
        """Read what is left to its end, and return the exit code."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S)

    @property
    def shows_its_cursor(self) -> bool:
        """Whether a cursor that was hidden has been shown again."""
        hidden = self.shown.rfind(HIDE_CURSOR)
        return 0 <= hidden < self.shown.rfind(SHOW_CURSOR)

    def _read(self) -> bool:
        """Read a part; False at the end, which a terminal tells by an error."""
        try:
            part = os.read(self._keyboard, 65536)
        except OSError:
            return False
        self.shown += part.decode(errors="replace")
        return bool(part)
