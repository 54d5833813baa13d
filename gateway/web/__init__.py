"""Everything the gateway serves besides the proxy."""
