"""ScaleOps: its token, its calls, its answers in our units."""
