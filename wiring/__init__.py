"""Settings, configuration file, and construction of clients and contexts from them."""
