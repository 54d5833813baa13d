"""Writes every generated page. `make reference`."""

import sys

from tests.docgen.pages import FOLDER, PAGES


def main() -> None:
    """Write the pages that differ."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, render in PAGES.items():
        file, text = FOLDER / name, render()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {file.name}\n")


if __name__ == "__main__":
    main()
