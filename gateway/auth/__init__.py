"""Who may call: tokens, signed links, allowed hosts, CORS and rate limits."""
