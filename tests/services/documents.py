"""The fenced code blocks of the documentation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
_FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    page: str
    """Its path below docs, or README.md."""
    language: str
    text: str

    @property
    def command_lines(self) -> tuple[str, ...]:
        """Its lines without comments; one that ends in a backslash is joined with the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def blocks_of(page: str, *, part: str = "") -> Iterator[CodeBlock]:
    """Yield the code blocks of a page below docs, or of its part under the heading that begins with `part`."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if part:
        text = text.partition(f"\n## {part}")[2].partition("\n## ")[0]
    for language, block in _FENCED.findall(text):
        yield CodeBlock(page=page, language=language, text=block)
