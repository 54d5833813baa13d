"""The read-only actions that MCP, the Actions Registry and the command line share; `actions.catalogue` lists them."""
