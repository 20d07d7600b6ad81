"""What the hub writes about itself: to stderr, which is `hub.log` where a kernel started it."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import TextIO

from . import discovery

_STDOUT, _STDERR = 1, 2


class HubLog(logging.StreamHandler[TextIO]):
    """Writes to stderr; where that is `hub.log`, a file that has grown large makes room for a new one."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(_PlainText("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
        self._directory: Path | None = None

    def install(self) -> None:
        """Take what this package has to say, and warnings of all others."""
        root = logging.getLogger()
        root.addHandler(self)
        root.setLevel(logging.WARNING)
        logging.getLogger("zego_widget").setLevel(logging.INFO)

    def keep_in(self, directory: Path) -> None:
        """From now on see to it that `hub.log` of this directory does not grow beyond measure."""
        self._directory = directory

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, and then make room if it is time."""
        super().emit(record)
        with contextlib.suppress(OSError):  # the next record tries again
            if self._directory is not None and os.fstat(_STDERR).st_size > discovery.MAX_LOG:
                _make_room(self._directory)


def _make_room(directory: Path) -> None:
    """Begin a new `hub.log`, and let everything go there that this process writes, tracebacks of crashes included."""
    if sys.platform == "win32":  # a file that is open cannot be renamed
        return
    if not os.path.samestat(os.fstat(_STDERR), os.lstat(directory / discovery.LOG_FILE)):
        return  # a terminal, or a file that is its owner's business
    log = discovery.open_log(directory)
    try:
        for descriptor in (_STDOUT, _STDERR):
            os.dup2(log, descriptor)
    finally:
        os.close(log)


class _PlainText(logging.Formatter):
    """One record, one line (plus its traceback), whatever names people choose: control characters are spelt out."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
