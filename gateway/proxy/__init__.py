"""The ScaleOps proxy: allowed routes, strict bodies, filtering and the response cache."""
