"""The limit on calls in flight that all processes of an installation share."""
