"""The simulator, served for real in a thread."""
