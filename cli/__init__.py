"""The command line: parses arguments, starts processes and stages, prints results."""
