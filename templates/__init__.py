"""The Jinja files, as a package of data."""
