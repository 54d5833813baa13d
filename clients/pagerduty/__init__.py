"""PagerDuty's Events API v2: one event to one routing key."""
