"""What strangers show instead of a good token."""

from gateway.auth import issue_token, new_key_pair
from tests.controls import serving

AUTHORIZATIONS = {
    "empty": "",
    "no token": "Bearer",
    "no JWT": "Bearer x",
    "nearly a JWT": "Bearer x.y.z",
    "a password": "Basic YTpi",
    "another scheme": "Token x",
    "another key": f"Bearer {issue_token(new_key_pair()[0], 'ann', 'admin', 60)}",
    "expired": f"Bearer {serving.token(lifetime=-1)}",
}
"""Values of `authorization`, each bad in its own way."""
