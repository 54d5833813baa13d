"""The files of a new installation: what `init` writes, and what it takes over from a Backstage app-config."""
