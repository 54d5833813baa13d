"""The type of a clock. The only one that ticks is built in `wiring`."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Answers the present instant, aware, in UTC."""
