"""A client of an MCP server in the same process. Apart from other factories: importing the SDK takes a second."""

from mcp import Client

from actions.action_pools import ActionPools
from mcp_server import build_mcp_server
from tests.stage_factories import make_request_context


def mcp_client() -> Client:
    """Return a client of an MCP server whose actions never run."""
    pools = ActionPools(live=1, stored=1)
    return Client(build_mcp_server(request_context_of=lambda _: make_request_context(), pools=pools))
