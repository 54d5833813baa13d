"""Formatting of money, percentages, cores and memory. Numbers are rounded here and nowhere before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

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
_WITHOUT_CENTS: Final = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)

_KIB: Final = 1024
_MIB: Final = 1024**2
_GIB: Final = 1024**3
_TIB: Final = 1024**4
_WHOLE_PERCENT_FROM: Final = 10


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


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half to even to the currency's smallest unit; a negative zero becomes zero."""
    unit = Decimal(1) if currency in _WITHOUT_CENTS else Decimal("0.01")
    rounded = amount.quantize(unit, rounding=ROUND_HALF_EVEN)
    return abs(rounded) if rounded == 0 else rounded


def format_money(amount: Decimal, currency: str, *, signed: bool = False) -> str:
    """Format money as `$1,234.50`, `CHF 12.00`; `signed` adds a plus to positive amounts."""
    rounded = round_money(amount, currency)
    symbol = _SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{_sign(rounded, signed=signed)}{symbol}{abs(rounded):,}"


def format_percent(share: Decimal, *, signed: bool = False) -> str:
    """Format a share (0.25) as `25%`; below ten percent with one decimal."""
    percent = share * 100
    one_decimal = percent.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
    rounded = one_decimal if abs(one_decimal) < _WHOLE_PERCENT_FROM else percent.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    shown = f"{abs(rounded):,}" if rounded else "0"
    return f"{_sign(rounded, signed=signed)}{shown}%"


def format_cores(millicores: float) -> str:
    """Format millicores as `0.5 cores`, `1 core`."""
    number = _trim(Decimal(str(millicores)) / 1000, digits=3)
    return f"{number} {'core' if number == '1' else 'cores'}"


def format_memory(size_bytes: float) -> str:
    """Format bytes as Kubernetes does: `512 Mi`, `1.5 Gi`."""
    size = Decimal(str(size_bytes))
    if abs(size) >= _TIB:
        return f"{_trim(size / _TIB, digits=2)} Ti"
    if abs(size) >= _GIB:
        return f"{_trim(size / _GIB, digits=2)} Gi"
    if abs(size) >= _MIB:
        return f"{_trim(size / _MIB, digits=0 if abs(size) >= 10 * _MIB else 1)} Mi"
    return f"{_trim(size / _KIB, digits=1)} Ki"


def format_count(count: int, one: str, many: str | None = None) -> str:
    """Format a count as `1 workload`, `1,200 workloads`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _sign(rounded: Decimal, *, signed: bool) -> str:
    if rounded < 0:
        return MINUS
    return "+" if signed and rounded > 0 else ""


def _trim(number: Decimal, *, digits: int) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    text = f"{abs(rounded):,}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if rounded < 0 else text
