"""The Backstage catalog: a live backend or a file."""
