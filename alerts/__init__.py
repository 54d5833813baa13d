"""Rules, the alert state machine and storms: what changed, and who should be notified, with the reason. Pure."""
