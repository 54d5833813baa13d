"""The life of an alert: rules and the state machine. What changed, and why anyone should hear of it. Pure."""
