import re
from datetime import time, timedelta
from pathlib import Path

from pydantic import SecretStr

from wiring.durations import format_duration
from wiring.settings import SECRETS, Settings

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"
ROWS = {
    name: (default, meaning)
    for name, default, meaning in re.findall(
        r"^\| ([A-Z_]+) \| (.*?) ?\| (.*) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE
    )
}
IN_WORDS = {"scaleops_auth", "worker_instance", "worker_platform_channel", "worker_config_file"}


def spelled(default: object) -> str:
    match default:
        case None | ():
            return ""
        case bool():
            return str(default).lower()
        case timedelta():
            return format_duration(default)
        case time():
            return default.strftime("%H:%M")
        case SecretStr():
            return default.get_secret_value()
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert set(ROWS) == {name.upper() for name in Settings.model_fields}


def test_the_documented_defaults_are_the_real_ones() -> None:
    real = {name.upper(): spelled(field.default) for name, field in Settings.model_fields.items() if name not in IN_WORDS}
    assert {name: ROWS[name][0] for name in real} == real


def test_the_documentation_names_the_secrets() -> None:
    assert {name.lower() for name, (_, meaning) in ROWS.items() if meaning.endswith("; secret")} == SECRETS
