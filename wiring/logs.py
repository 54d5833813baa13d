"""Logging setup: one line per event on stderr, for a terminal or as JSON."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

_VERBOSE_LIBRARIES = (
    "httpx",
    "httpcore",
    "slack_sdk",
    "pdpyras",
    "urllib3",
    "alembic",
    "asyncio",
    "PDHTTPSession",
    "uvicorn.error",
    "mcp.server",
)


def configure_logs(*, level: str, form: Literal["auto", "console", "json"]) -> None:
    """Send all log events of the process to stderr in one format. Verbose libraries log warnings and errors only."""
    is_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if is_json:
        shared.append(structlog.processors.format_exc_info)
        renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
        )
    )
    logging.captureWarnings(capture=True)  # Celery warns of running as root, in several lines of text
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _VERBOSE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
