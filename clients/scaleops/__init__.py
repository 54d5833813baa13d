"""ScaleOps: its five questions, its logins, and links into its dashboard."""
