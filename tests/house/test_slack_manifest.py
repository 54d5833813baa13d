"""The Slack app manifest requests the scopes of the methods that the client calls, and no other."""

import ast
import re
from pathlib import Path

import yaml

from clients.slack.scopes import METHODS_WITHOUT_SCOPE, SCOPES

ROOT = Path(__file__).parent.parent.parent
MANIFEST = yaml.safe_load((ROOT / "deploy" / "slack-app-manifest.yaml").read_text())


def called_methods() -> set[str]:
    tree = ast.parse((ROOT / "clients" / "slack" / "client.py").read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"[a-z]+\.[a-zA-Z]+", text)}


def test_every_called_method_has_its_scopes() -> None:
    assert called_methods() == METHODS_WITHOUT_SCOPE.union(*(scope.methods for scope in SCOPES))


def test_the_manifest_requests_these_scopes_and_needs_no_inbound_address() -> None:
    assert MANIFEST["oauth_config"]["scopes"] == {"bot": [scope.name for scope in SCOPES]}
    assert MANIFEST["settings"]["token_rotation_enabled"] is False
    assert not {"event_subscriptions", "interactivity"} & MANIFEST["settings"].keys()
