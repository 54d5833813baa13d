"""The software catalog: a live Backstage, or its YAML files."""
