"""Writes every generated file that differs. `make reference`."""

import sys

from tests.docgen.pages import GENERATED, ROOT


def main() -> None:
    """Write the files, and print the names of those that changed."""
    for name, render in GENERATED.items():
        file, text = ROOT / name, render()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
