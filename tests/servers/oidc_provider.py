"""An OIDC provider with people to sign in as, run as a process: python -m tests.servers.oidc_provider PORT."""

from __future__ import annotations

import os
import sys

# It speaks plain HTTP, on this machine only.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from oidc_provider_mock import User, app
from werkzeug.serving import make_server

NAMES = {"rita": "Rita Moreno", "nora": "Nora Nobody", "lee": "Lee Wong"}
PEOPLE = [
    User(sub=sub, claims={"email": f"{sub}@example.com", "email_verified": True, "name": name})
    for sub, name in NAMES.items()
]

if __name__ == "__main__":
    server = make_server("127.0.0.1", int(sys.argv[1]), app(user_claims=PEOPLE), threaded=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()
