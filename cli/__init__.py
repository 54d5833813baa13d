"""The command line: every command in the foreground. Starts doors, decides nothing."""
