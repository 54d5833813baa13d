"""HTTP to servers on loopback, without the certificates of public authorities: reading them costs each client of httpx 30 ms."""

import ssl
from functools import partial
from typing import Final

import httpx

NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify`. It trusts no certificate."""

get = partial(httpx.get, verify=NO_AUTHORITIES)
post = partial(httpx.post, verify=NO_AUTHORITIES)
put = partial(httpx.put, verify=NO_AUTHORITIES)
delete = partial(httpx.delete, verify=NO_AUTHORITIES)
