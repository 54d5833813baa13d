"""Which addresses may carry messages and credentials."""

from __future__ import annotations

import pytest

from clients.delivery_errors import InsecureUrl, check_address


@pytest.mark.parametrize(
    "url", ["https://slack.com/api/", "http://127.0.0.1:8080/x", "http://localhost:1", "http://[::1]:80/", "https://10.0.0.1"]
)
def test_https_and_this_machine_are_fine(url: str) -> None:
    assert check_address(url, of="Slack") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://slack.com/api/",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1@evil.example",
        "ftp://x",
        "slack",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(InsecureUrl, match="Slack"):
        check_address(url, of="Slack")
