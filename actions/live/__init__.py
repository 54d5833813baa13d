"""The five actions that query ScaleOps."""
