"""Text on stdout and stderr: without control characters, in any encoding.

Names come from ScaleOps and the catalog, and a terminal obeys the control characters in them.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Final, TextIO

import click

CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""All but tab and line feed, and the characters that reverse the direction of a text."""


def escape_unencodable_output() -> None:
    """Let stdout and stderr escape what their encoding lacks, such as latin-1 from PYTHONIOENCODING, where Python would fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not is_utf8(stream):
            stream.reconfigure(errors="backslashreplace")


def say_error(sentence: str) -> None:
    """Print a line on stderr."""
    click.echo(without_controls(sentence), err=True)


def without_controls(text: str) -> str:
    """Replace control characters with spaces."""
    return CONTROLS.sub(" ", text)


def is_utf8(stream: TextIO) -> bool:
    """Return True if a stream can encode every character."""
    return (stream.encoding or "").lower().replace("-", "").replace("_", "") == "utf8"
