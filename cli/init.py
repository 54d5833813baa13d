"""`init`: write the files of a new installation, and check them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from cli.config import run_check
from cli.init_questions import ask_questions
from cli.output import say
from cli.streams import say_error
from wiring.first_run.app_config import read_app_config
from wiring.first_run.config_template import CONFIG_TEMPLATE
from wiring.first_run.env_file import render_env_file
from wiring.first_run.folder import BACKUP_SUFFIX, check_folder, present_settings, write_files
from wiring.first_run.values import check_values, has_setting, login_of, merge_settings, new_secret_key, settings_in
from wiring.settings import SettingsError

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class _Flag:
    option: str
    setting: str
    metavar: str
    help: str


_FLAGS: Final = (
    _Flag("--scaleops-url", "SCALEOPS_BASE_URL", "URL", "The ScaleOps dashboard; with several clusters the parent's."),
    _Flag("--scaleops-auth", "SCALEOPS_AUTH", "KIND", "internal, ldap, token, azure or none."),
    _Flag("--scaleops-user", "SCALEOPS_USER", "NAME", "The user of ScaleOps."),
    _Flag("--scaleops-password-file", "SCALEOPS_PASSWORD_FILE", "FILE", "The file of its password."),
    _Flag("--scaleops-token-file", "SCALEOPS_TOKEN_FILE", "FILE", "The file of a token, instead of a user."),
    _Flag("--backstage-url", "BACKSTAGE_BASE_URL", "URL", "The Backstage backend."),
    _Flag("--backstage-token-file", "BACKSTAGE_TOKEN_FILE", "FILE", "The file of its token."),
    _Flag("--catalog-file", "BACKSTAGE_CATALOG_FILE", "PATH", "A catalog file or folder, instead of a live Backstage."),
    _Flag("--currency", "SCALEOPS_CURRENCY", "CODE", "ISO 4217 code of all amounts."),
    _Flag("--timezone", "WORKER_TIMEZONE", "ZONE", "Time zone of the reports."),
    _Flag("--slack-token-file", "SLACK_BOT_TOKEN_FILE", "FILE", "The file of the Slack bot token."),
    _Flag("--slack-channel", "SLACK_DEFAULT_CHANNEL", "ID", "The Slack channel for teams without one."),
    _Flag("--pagerduty-key-file", "PAGERDUTY_ROUTING_KEY_FILE", "FILE", "The file of the PagerDuty integration key."),
)
_PATHS: Final = ("FILE", "PATH")


def _setting_options(command: Command) -> Command:
    for flag in reversed(_FLAGS):
        command = click.option(flag.option, flag.setting.lower(), metavar=flag.metavar, help=flag.help)(command)
    return command


@click.command()
@_setting_options
@click.option(
    "--from-app-config",
    "app_configs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Take over what a Backstage app-config says about ScaleOps; may be repeated, a later file overrides an earlier one.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the files.  [default: the working directory]",
)
@click.option("--force", is_flag=True, help="Replace present files; they are kept as *.bak, *.bak.1 and so on.")
@click.option("--interactive/--non-interactive", default=None, help="Ask questions, or not.  [default: on a terminal]")
@click.option("--check/--no-check", default=True, show_default=True, help="Run check-config --live at the end.")
@click.pass_context
def init(
    ctx: click.Context,
    /,
    *,
    app_configs: tuple[Path, ...],
    folder: Path,
    force: bool,
    interactive: bool | None,
    check: bool,
    **flags: str | None,
) -> None:
    r"""Write .env and scaleops-worker.yaml for a new installation, and check them.

    Values come from the options, then from the environment under the names of the settings, then from --from-app-config; on a
    terminal the rest is asked for. Secrets have no option of their own: name a file, set the environment, or type them unseen.

    \b
    Examples:
      scaleops-worker init
      scaleops-worker init --from-app-config app-config.yaml --from-app-config app-config.production.yaml
      SCALEOPS_PASSWORD=... BACKSTAGE_TOKEN=... scaleops-worker init --non-interactive \
        --scaleops-url https://scaleops.example.com --scaleops-user reports \
        --backstage-url https://backstage.example.com --dir /etc/scaleops-worker
    """
    check_folder(folder, replaces=force)
    given = _given(flags)
    stronger = merge_settings([given, settings_in(os.environ)])
    taken = _app_config_settings(app_configs, stronger) if app_configs else {}
    values = merge_settings([stronger, taken, present_settings(folder) if force else {}])
    if interactive or (interactive is None and sys.stdin.isatty()):
        values = ask_questions(values, given=given, prompt=_prompt, report=lambda problem: say_error(f"! {problem}"))
    try:
        check_values(values, {flag.setting: flag.option for flag in _FLAGS})
    except SettingsError as error:
        for problem in error.problems:
            say_error(f"scaleops-worker: {problem}")
        say_error("scaleops-worker: nothing was written")
        ctx.exit(2)
    values.setdefault("WORKER_SECRET_KEY", new_secret_key())
    written = write_files(folder, env_text=render_env_file(values), config_text=CONFIG_TEMPLATE)
    say(f"wrote {written[0]} (settings; only you may read it) and {written[1]} (teams and rules; all commented out)")
    if force:
        say(f"files that were there before are kept as *{BACKUP_SUFFIX}")
    if login_of(values) in {None, "none"}:
        say("! no credentials of ScaleOps: requests are made without signing in")
    ctx.exit(_check(folder) if check else _next_steps(folder))


def _given(flags: Mapping[str, str | None]) -> dict[str, str]:
    """Return the settings of the options. Paths are absolute: a command reads them in its own working directory."""
    found = {flag: flags[flag.setting.lower()] for flag in _FLAGS}
    return {
        flag.setting: str(Path(value).absolute()) if flag.metavar in _PATHS else value
        for flag, value in found.items()
        if value is not None
    }


def _app_config_settings(files: tuple[Path, ...], stronger: Mapping[str, str]) -> Mapping[str, str]:
    """Read the app-config, and say what is taken over, and what is not though nothing `stronger` sets it."""
    found = read_app_config(files, os.environ)
    effective = merge_settings([stronger, found.values])
    for name, key in found.origins.items():
        if name in effective and name not in stronger:
            say(f"{name} is taken from {key}")
    for name, note in found.notes:
        if not has_setting(stronger, name):
            say(f"! {note}")
    return found.values


def _prompt(text: str, *, default: str, is_secret: bool) -> str:
    shows_default = bool(default) and not is_secret
    return str(click.prompt(text, default=default, show_default=shows_default, hide_input=is_secret, err=True))


def _check(folder: Path) -> int:
    say("\nscaleops-worker check-config --live:")
    with contextlib.chdir(folder):
        status = run_check(live=True, as_json=False, lists_settings=False)
    if status:
        say("\nCorrect in .env or the environment what failed, and run `scaleops-worker check-config --live` again.")
        return status
    return _next_steps(folder)


def _next_steps(folder: Path) -> int:
    place = "" if folder.absolute() == Path.cwd() else f" in {folder.absolute()}, where the files are"
    say(f"\nNext{place}:")
    say("  scaleops-worker collect             measure every component once; nothing is sent")
    say("  scaleops-worker explain REF         what is known of a component or team, and why")
    say("  scaleops-worker report --preview    the report of all teams; nothing is sent")
    say("  scaleops-worker run-once            everything that is due, and send it: for cron")
    return 0
