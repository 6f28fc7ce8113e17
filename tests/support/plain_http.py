"""What a client needs that speaks plain HTTP only."""

import ssl
from typing import Final

#: For `verify` of a client. Without it, each client reads the certificates of all authorities, which costs
#: more than its requests. Nothing is trusted with it: HTTPS would be refused.
NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
