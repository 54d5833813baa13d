"""Generates the reference pages of the documentation from the code. `make reference` writes them; tests/house holds them to the code."""
