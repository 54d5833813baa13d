"""Settings, and building the parts once: engine, clients, clock, keys."""
