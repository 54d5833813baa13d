"""Mutation testing of the pure packages, with mutmut. Behind `make mutation`; docs/mutation-testing.md has the results."""
