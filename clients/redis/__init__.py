"""Redis, shared by all workers of an installation. It holds only what can be recomputed."""
