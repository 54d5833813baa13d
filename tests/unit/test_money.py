from decimal import Decimal

import pytest

from domain import money

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("0", "EUR", "\N{EURO SIGN}0.00"),
        ("12", "CHF", "CHF\N{NO-BREAK SPACE}12.00"),
        ("1234.6", "JPY", "\N{YEN SIGN}1,235"),
        ("1.2345", "BHD", "BHD\N{NO-BREAK SPACE}1.234"),
        ("1.2345", "KWD", "KWD\N{NO-BREAK SPACE}1.234"),
        ("1.5", "XPF", "XPF\N{NO-BREAK SPACE}2"),
        ("1.23455", "CLF", "CLF\N{NO-BREAK SPACE}1.2346"),
        ("1e30", "USD", "$1,000,000,000,000,000,000.00"),
        ("-3.456", "USD", f"{MINUS}$3.46"),
        ("0.004", "USD", "<$0.01"),
        ("1e-30", "CHF", "<CHF\N{NO-BREAK SPACE}0.01"),
        ("0.4", "JPY", "<\N{YEN SIGN}1"),
        ("-0.001", "USD", f">{MINUS}$0.01"),
        ("-0.00", "USD", "$0.00"),
        ("0.125", "USD", "$0.12"),
        ("0.135", "USD", "$0.14"),
    ],
)
def test_money_is_rounded_once(amount: str, currency: str, words: str) -> None:
    assert money.format_money(Decimal(amount), currency) == words


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("99.49", "USD", "$99.49"),
        ("99.99", "EUR", "€99.99"),
        ("100", "USD", "$100"),
        ("3614.5", "USD", "$3,614"),
        ("3615.5", "EUR", "€3,616"),
        ("-100.4", "USD", f"{MINUS}$100"),
        ("-99.4", "USD", f"{MINUS}$99.40"),
        ("1234", "JPY", "¥1,234"),
    ],
)
def test_an_estimate_has_no_decimals_from_a_hundred_on(amount: str, currency: str, words: str) -> None:
    assert money.format_whole_money(Decimal(amount), currency) == words


def test_what_rounds_to_nothing_has_no_sign_and_what_is_no_number_is_nothing() -> None:
    assert str(money.round_money(Decimal("-0.001"), "USD")) == "0.00"
    assert money.round_money(Decimal("-0.01"), "USD") == Decimal("-0.01")
    assert money.format_money(Decimal("NaN"), "USD") == "$0"


def test_a_change_shows_its_sign() -> None:
    assert money.format_money(Decimal(5), "USD", signed=True) == "+$5.00"
    assert money.format_money(Decimal(-5), "USD", signed=True) == f"{MINUS}$5.00"
    assert money.format_money(Decimal("0.001"), "USD", signed=True) == "<$0.01"
    assert money.format_money(Decimal("-0.001"), "USD", signed=True) == f">{MINUS}$0.01"
    assert money.format_money(Decimal("-0.00"), "USD", signed=True) == "$0.00"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ("0.254", "+25%"),
        ("0.0344", "+3.4%"),
        ("-0.5", f"{MINUS}50%"),
        ("0", "0%"),
        ("0.00001", "<0.1%"),
        ("-0.0004", f">{MINUS}0.1%"),
        ("0.0997", "+10%"),
        ("12", "+1,200%"),
    ],
)
def test_a_share_becomes_a_percentage(share: str, words: str) -> None:
    assert money.format_percent(Decimal(share), signed=True) == words


@pytest.mark.parametrize(
    ("share", "number"), [("0.2541", 25.4), ("-0.5", -50.0), ("0", 0.0), ("0.000042", 0.004), ("-0.00049", -0.05), (None, None)]
)
def test_a_percentage_in_json_is_zero_only_if_the_share_is(share: str | None, number: float | None) -> None:
    assert money.percent_number(None if share is None else Decimal(share)) == number


@pytest.mark.parametrize(
    ("millicores", "words"),
    [
        (500, "500m"),
        (1000, "1 core"),
        (250.0, "250m"),
        (2500, "2500m"),
        (475.4, "475m"),
        (1000.4, "1 core"),
        (1.4, "1m"),
        (0.60049, "<1m"),
        (0.4, "<1m"),
        (1e-9, "<1m"),
        (-0.75, f">{MINUS}1m"),
        (2000, "2 cores"),
        (0, "0 cores"),
    ],
)
def test_millicores_are_shown_as_cores(millicores: float, words: str) -> None:
    assert money.format_cores(millicores) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (512 * 1024**2, "512 MiB"),
        (1.26 * 1024**2, "1.3 MiB"),
        (1536 * 1024**2, "1.5 GiB"),
        (1.5 * 1024**2, "1.5 MiB"),
        (10.4 * 1024**2, "10 MiB"),
        (1.234 * 1024**3, "1.23 GiB"),
        (1.234 * 1024**4, "1.23 TiB"),
        (1.26 * 1024, "1.3 KiB"),
        (1024, "1 KiB"),
        (1024**2, "1 MiB"),
        (1024**3, "1 GiB"),
        (1024**4, "1 TiB"),
        (100, "0.1 KiB"),
        (51, "<0.1 KiB"),
        (0.3, "<0.1 KiB"),
        (0, "0 KiB"),
        (-1536 * 1024**2, f"{MINUS}1.5 GiB"),
        (3 * 1024**4, "3 TiB"),
    ],
)
def test_bytes_are_shown_as_kubernetes_writes_them(size: float, words: str) -> None:
    assert money.format_memory(size) == words


def test_cost_meets_savings_as_a_month_of_720_hours() -> None:
    assert money.per_month(Decimal(7)) == Decimal(30)


def test_one_workload_is_not_many() -> None:
    assert money.format_count(1, "workload") == "1 workload"
    assert money.format_count(1200, "policy", "policies") == "1,200 policies"


def test_a_currency_is_an_iso_code() -> None:
    assert money.parse_currency(" eur ") == "EUR"
    with pytest.raises(money.InvalidCurrency) as refused:
        money.parse_currency("$")
    assert str(refused.value) == "'$' is not a currency; write an ISO 4217 code of three letters, for example USD"


@pytest.mark.parametrize(
    ("change", "base", "share"),
    [
        ("5", "20", "0.25"),
        ("-5", "20", "-0.25"),
        ("5", "0.99", None),
        ("402", "1e-17", None),
        ("-11", "-55", None),
        ("100", "1", "100"),
        ("100.01", "1", None),
    ],
)
def test_there_is_no_percentage_of_next_to_nothing_or_of_a_credit(change: str, base: str, share: str | None) -> None:
    assert money.change_share(Decimal(change), base=Decimal(base)) == (share and Decimal(share))


@pytest.mark.parametrize(
    ("change", "currency", "word"),
    [
        ("0.02", "USD", "rose"),
        ("0.004", "USD", ""),
        ("-0.004", "USD", ""),
        ("-11", "USD", "fell"),
        ("0.4", "JPY", ""),
        ("0.004", "KWD", "rose"),
    ],
)
def test_the_direction_is_that_of_the_money_as_it_is_shown(change: str, currency: str, word: str) -> None:
    assert money.format_direction(Decimal(change), currency) == word
