"""The HTTP door: who may ask, what they may see, and what the proxy passes."""
