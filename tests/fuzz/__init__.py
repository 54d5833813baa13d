"""Generated requests to every route of the gateway, by its OpenAPI description. Behind `make fuzz`."""
