"""`make setup` on machines that are not ours."""

import os
import subprocess
from pathlib import Path


def test_uv_trusts_the_certificates_of_the_system() -> None:
    """A private CA is in the system's store, not in the certificates that uv brings along."""
    shown = subprocess.run(
        ["make", "-s", "--eval", "shown:\n\t@echo $$UV_SYSTEM_CERTS", "shown"],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if name != "UV_SYSTEM_CERTS"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.strip() == "1"
