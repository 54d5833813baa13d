"""URLs that messages and credentials may be sent to."""

from __future__ import annotations

import pytest

from clients.delivery_errors import InsecureUrl, check_url


@pytest.mark.parametrize(
    "url", ["https://slack.com/api/", "http://127.0.0.1:8080/x", "http://localhost:1", "http://[::1]:80/", "https://10.0.0.1"]
)
def test_https_and_loopback_are_allowed(url: str) -> None:
    assert check_url(url, of="Slack") == url


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
def test_every_other_url_is_rejected(url: str) -> None:
    with pytest.raises(InsecureUrl, match="Slack"):
        check_url(url, of="Slack")
