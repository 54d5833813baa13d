"""ScaleOps: its API, its logins, and links into its dashboard."""
