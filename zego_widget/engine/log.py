"""Where the package's log goes."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

from ..errors import ErrorCode, InvalidArgument
from .profile import LogConfig

LOG_NAME = "zego_widget.log"

_logger = logging.getLogger("zego_widget")
_file: logging.Handler | None = None
# The level of the logger where a file made it tell more.
_level_before: int | None = None


class _OneLine(logging.Formatter):
    """One record, one line, whatever names people choose: control characters are spelt out."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def set_log_config(config: LogConfig) -> None:
    """Log to a file in `config.log_path` from now on, or to none (ZEGO setLogConfig).

    Raises `InvalidArgument`: 1001014 where the file cannot be written, 1000017 for a level that there is not.
    """
    global _file, _level_before
    levels = logging.getLevelNamesMapping()
    if config.level not in levels:
        raise InvalidArgument(f"There is no log level {config.level!r}; there are {', '.join(levels)}.")
    handler: logging.Handler | None = None
    if config.log_path is not None:
        path = Path(config.log_path) / LOG_NAME
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=config.log_size, backupCount=1, encoding="utf-8"
            )
        except OSError as error:
            raise InvalidArgument(
                f"{path} cannot be written: {error.strerror}.", ErrorCode.ENGINE_LOG_NO_WRITE_PERMISSION
            ) from error
        handler.setFormatter(_OneLine("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    if _file is not None:
        _logger.removeHandler(_file)
        _file.close()
    if _level_before is not None:
        _logger.setLevel(_level_before)
        _level_before = None
    _file = handler
    if handler is not None:
        handler.setLevel(levels[config.level])
        _logger.addHandler(handler)
        if not _logger.isEnabledFor(levels[config.level]):
            _level_before = _logger.level
            _logger.setLevel(levels[config.level])
