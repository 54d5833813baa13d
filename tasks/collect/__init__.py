"""The collect stage: measure every component once a slot."""
