"""The proxy and the certificates of the environment, by one rule for every service."""

from pathlib import Path

import certifi
import pytest

from clients.http.network import InvalidNetworkVariable, find_proxy, network_problems, trusted_certificates

SLACK = "https://slack.com/api"
PROXY = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        (SLACK, {}, None),
        (SLACK, {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        (SLACK, {"HTTPS_PROXY": "proxy:3128"}, "http://proxy:3128"),
        (SLACK, {"HTTPS_PROXY": "http://me:p%40ss@proxy:3128/"}, "http://me:p%40ss@proxy:3128"),
        (SLACK, {"HTTPS_PROXY": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        (SLACK, {"https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:1"}, "http://lower:1"),
        (SLACK, {"https_proxy": "", "HTTPS_PROXY": "http://upper:1"}, None),
        (SLACK, {"HTTP_PROXY": "http://other:1"}, None),
        (SLACK, {"ALL_PROXY": "all:1"}, "http://all:1"),
        (SLACK, {"ALL_PROXY": "socks5://all:1", **PROXY}, "http://proxy:3128"),
        ("http://backstage:7007", {"HTTP_PROXY": "http://other:1", **PROXY}, "http://other:1"),
        ("https://127.0.0.1:8080", PROXY, None),
        ("https://[::1]:8080", PROXY, None),
        ("https://[fd00::2:1]", PROXY, "http://proxy:3128"),
    ],
)
def test_the_proxy_of_a_url(url: str, environment: dict[str, str], proxy: str | None) -> None:
    found = find_proxy(url, environment)

    assert (found.url if found else None) == proxy


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [
        (SLACK, "", False),
        (SLACK, "*", True),
        (SLACK, "slack.com", True),
        (SLACK, ".slack.com, other", True),
        (SLACK, "other SLACK.COM", True),
        (SLACK, "slack.com:443", True),
        (SLACK, "slack.com:8443", False),
        (SLACK, "lack.com", False),
        (SLACK, "10.0.0.0/8", False),
        ("https://api.eu.slack.com", "slack.com", True),
        ("https://api.eu.slack.com", "*.slack.com", True),
        ("https://slack.com.", "slack.com", True),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3:8443", "10.0.0.0/8", True),
        ("https://11.1.2.3", "10.0.0.0/8", False),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.30", "10.1.2.3", False),
        ("https://[fd00::2:1]", "fd00::/8", True),
        ("https://[fd00::2:1]", "[fd00::2:1]", True),
        ("https://[fd00::2:1]:8443", "[fd00::2:1]:8443", True),
        ("https://[fd00::2:1]", "fd00::2:1", True),
        ("https://[fe00::2:1]", "fd00::/8", False),
    ],
)
def test_what_no_proxy_excepts(url: str, no_proxy: str, *, is_direct: bool) -> None:
    assert (find_proxy(url, {**PROXY, "NO_PROXY": no_proxy}) is None) is is_direct


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("socks5://hunter2@proxy:1080", "names a SOCKS proxy, which is not supported; name an HTTP proxy"),
        ("socks://proxy:1080", "names a SOCKS proxy"),
        ("ftp://proxy", "is not the address of an HTTP proxy; write http://host:port"),
        ("http://", "is not the address of an HTTP proxy"),
        ("proxy:port", "is not the address of an HTTP proxy"),
        ("http://me:hunter2/ss@proxy:3128", "percent-encode the password"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_sentence(value: str, problem: str) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        with pytest.raises(InvalidNetworkVariable) as refused:
            find_proxy(SLACK, {variable: value})
        assert str(refused.value).startswith(f"{variable} ")
        assert problem in str(refused.value)
        assert "hunter2" not in str(refused.value)


def test_a_proxy_is_shown_without_its_credentials() -> None:
    assert str(find_proxy(SLACK, {"HTTPS_PROXY": "me:hunter2@proxy:3128"})) == "the proxy proxy:3128 of HTTPS_PROXY"


def test_certificates_are_those_of_the_environment_or_the_public_authorities(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.touch()

    assert trusted_certificates({}) == Path(certifi.where())
    assert trusted_certificates({"SSL_CERT_FILE": str(file), "SSL_CERT_DIR": str(tmp_path)}) == file
    assert trusted_certificates({"SSL_CERT_DIR": str(tmp_path)}) == tmp_path
    assert list(network_problems([SLACK, "https://b"], {"SSL_CERT_FILE": "/no/ca.pem", "HTTPS_PROXY": "socks5://p"})) == [
        "HTTPS_PROXY names a SOCKS proxy, which is not supported; name an HTTP proxy, or except the host by NO_PROXY",
        "SSL_CERT_FILE names /no/ca.pem, which is not a file that can be read; name the file with the certificates",
    ]
    assert list(network_problems([], {"HTTPS_PROXY": "socks5://p"})) == []
