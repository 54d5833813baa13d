"""PagerDuty Events API v2: one event out, with what came of it."""
