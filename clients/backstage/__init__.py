"""The Backstage software catalog, live or from YAML files, and Backstage's tokens and keys."""
