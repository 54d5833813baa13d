"""Formatting of money, percentages, cores and memory. Numbers are rounded here and nowhere before.

What is not zero is never shown as zero: what would be, is shown as below the smallest number of that precision, `<$0.01`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from domain.limits import MAX_TOTAL

MINUS: Final = "\N{MINUS SIGN}"
MONTH_HOURS: Final = 720
"""Savings are per month of 30 days; cost is per 7 days."""
WEEK_HOURS: Final = 168

_SYMBOLS: Final[Mapping[str, str]] = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN\N{YEN SIGN}",
    "EUR": "\N{EURO SIGN}",
    "GBP": "\N{POUND SIGN}",
    "ILS": "\N{NEW SHEQEL SIGN}",
    "INR": "\N{INDIAN RUPEE SIGN}",
    "JPY": "\N{YEN SIGN}",
    "KRW": "\N{WON SIGN}",
    "MXN": "MX$",
    "NZD": "NZ$",
    "USD": "$",
}
_DECIMALS: Final[Mapping[str, int]] = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
"""Decimals of the currencies that do not have two (ISO 4217, exponents)."""
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)

_KIB: Final = 1024
_MIB: Final = 1024**2
_GIB: Final = 1024**3
_TIB: Final = 1024**4
_WHOLE_PERCENT_FROM: Final = 10
_WHOLE_MONEY_FROM: Final = 100
_MIN_BASE: Final = Decimal(1)
"""Below one unit of the currency a cost is no base for a percentage,"""
_MAX_SHARE: Final = 100
"""and neither is one that the change exceeds by this factor."""


class InvalidCurrency(ValueError):
    """Not an ISO 4217 code; the message shows an example."""


def parse_currency(code: str) -> str:
    """Parse an ISO 4217 code in any letter case.

    Raises:
        InvalidCurrency: not three letters.
    """
    upper = code.strip().upper()
    if _CODE.fullmatch(upper) is None:
        message = f"{code!r} is not a currency; write an ISO 4217 code of three letters, for example USD"
        raise InvalidCurrency(message)
    return upper


def per_month(cost_7d: Decimal) -> Decimal:
    """Convert a cost per 7 days to a month of 720 hours, the unit of savings."""
    return cost_7d * MONTH_HOURS / WEEK_HOURS


def change_share(change: Decimal, *, base: Decimal) -> Decimal | None:
    """Return a change of a cost as a share of what it was; None where a percentage would say nothing: of next to nothing, or of a credit."""
    return change / base if base >= _MIN_BASE and abs(change) <= _MAX_SHARE * base else None


def format_direction(change: Decimal, currency: str, *, up: str = "rose", down: str = "fell") -> str:
    """Return the word for the direction of a change as it is shown; empty if it rounds to nothing."""
    rounded = round_money(change, currency)
    return "" if rounded == 0 else up if rounded > 0 else down


def smallest_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency that is shown: 0.01 of most."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half to even to the currency's smallest unit; a negative zero becomes zero. Beyond MAX_TOTAL the bound is returned."""
    return _rounded(amount, digits=_DECIMALS.get(currency, 2))


def format_money(amount: Decimal, currency: str, *, signed: bool = False) -> str:
    """Format money as `$1,234.50`, `CHF 12.00`, `<$0.01`; `signed` adds a plus to positive amounts."""
    rounded = round_money(amount, currency)
    symbol = _SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    if _is_lost(amount, rounded):
        return f"{_below(amount)}{symbol}{smallest_unit(currency)}"
    return f"{_sign(rounded, signed=signed)}{symbol}{abs(rounded):,}"


def currency_of_symbol(symbol: str) -> str | None:
    """Return the ISO 4217 code of a symbol of `format_money`; None for any other."""
    return next((currency for currency, known in _SYMBOLS.items() if known == symbol), None)


def format_whole_money(amount: Decimal, currency: str) -> str:
    """Format an estimate as `$3,614`: money without decimals from 100 units of the currency on."""
    return (
        format_money(_rounded(amount, digits=0), currency).split(".")[0]
        if abs(amount) >= _WHOLE_MONEY_FROM
        else format_money(amount, currency)
    )


def format_percent(share: Decimal, *, signed: bool = False) -> str:
    """Format a share (0.25) as `25%`; below ten percent with one decimal, `3.4%`, `<0.1%`."""
    percent = share * 100
    one_decimal = _rounded(percent, digits=1)
    rounded = one_decimal if abs(one_decimal) < _WHOLE_PERCENT_FROM else _rounded(percent, digits=0)
    if _is_lost(percent, rounded):
        return f"{_below(percent)}0.1%"
    shown = f"{abs(rounded):,}" if rounded else "0"
    return f"{_sign(rounded, signed=signed)}{shown}%"


def percent_number(share: Decimal | None) -> float | None:
    """Return a share (0.254) as the number of percent with one decimal, 25.4, for JSON; a smaller one with its first digit. None stays None."""
    if share is None:
        return None
    percent = float(share) * 100
    return round(percent, 1) or float(f"{percent:.1g}")


def format_cores(millicores: float) -> str:
    """Format millicores as Kubernetes writes them, `475m`, and below its smallest request as `<1m`; whole cores as `1 core`, `2 cores`."""
    size = Decimal(str(millicores))
    if 0 < abs(size) < 1:
        return f"{_below(size)}1m"
    number = _trim(size / 1000, digits=3)
    if "." in number:
        return f"{_trim(size, digits=0)}m".replace(",", "")
    return f"{number} {'core' if number == '1' else 'cores'}"


def format_memory(size_bytes: float) -> str:
    """Format bytes for readers: `512 MiB`, `1.5 GiB`. A quantity to copy into Kubernetes is `reports.request_patch.format_quantity`."""
    size = Decimal(str(size_bytes))
    if abs(size) >= _TIB:
        return f"{_trim(size / _TIB, digits=2)} TiB"
    if abs(size) >= _GIB:
        return f"{_trim(size / _GIB, digits=2)} GiB"
    if abs(size) >= _MIB:
        return f"{_trim(size / _MIB, digits=0 if abs(size) >= 10 * _MIB else 1)} MiB"
    return f"{_trim(size / _KIB, digits=1)} KiB"


def format_count(count: int, one: str, many: str | None = None) -> str:
    """Format a count as `1 workload`, `1,200 workloads`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _sign(rounded: Decimal, *, signed: bool) -> str:
    if rounded < 0:
        return MINUS
    return "+" if signed and rounded > 0 else ""


def _rounded(number: Decimal, *, digits: int) -> Decimal:
    """Round half to even, within MAX_TOTAL: a number beyond it is a fault that must not stop a whole report."""
    if number.is_nan():
        return Decimal(0)
    bounded = min(max(number, -MAX_TOTAL), MAX_TOTAL)
    rounded = bounded.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    return abs(rounded) if rounded == 0 else rounded


def _is_lost(number: Decimal, rounded: Decimal) -> bool:
    """Return True if a number that is not zero was rounded to zero."""
    return rounded == 0 and number != 0 and not number.is_nan()


def _below(number: Decimal) -> str:
    """Return what stands before the smallest number that is shown: the number is between it and zero."""
    return "<" if number > 0 else f">{MINUS}"


def _trim(number: Decimal, *, digits: int) -> str:
    rounded = _rounded(number, digits=digits)
    if _is_lost(number, rounded):
        return f"{_below(number)}{Decimal(1).scaleb(-digits)}"
    text = f"{abs(rounded):,}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if rounded < 0 else text
