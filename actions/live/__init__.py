"""The five actions that ask ScaleOps."""
