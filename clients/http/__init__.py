"""HTTP for all services: one client, its limits, retries, deadlines and errors."""
