"""An identity provider that can be made to lie, for tests: a real HTTP server, in this process.

What a well-behaved one does is tested against another people's (`oidc-provider-mock`). This one checks the
secret, the redirect address and PKCE as it should, signs with keys that can be changed, and sends whatever
claims a test wants.
"""

import asyncio
import contextlib
import hashlib
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import unquote

import uvicorn
from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from deploy.local.ports import free_port

CLIENT, SECRET = "tagwerk", "a secret between two"


class IdentityProvider:
    """`async with IdentityProvider() as provider:`"""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}/realm"
        #: Who signs in next, and what their token says besides.
        self.claims: dict[str, Any] = {"sub": "s-1", "preferred_username": "carla", "name": "Carla Muster"}
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.published = [self.key]
        self.algorithm = "RS256"
        #: What the next token is signed with instead, unseen by the published keys.
        self.forged_with: Any = None
        self.asked: list[dict[str, str]] = []
        self.key_requests = 0
        self._codes: dict[str, dict[str, str]] = {}
        self._server = uvicorn.Server(uvicorn.Config(self._application(), log_config=None, access_log=False))
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "IdentityProvider":
        self._server.config.port = self.port
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._serving is not None
        self._server.should_exit = True
        await self._serving

    def new_key(self, kid: str) -> None:
        """Sign with another key from now on, as providers do now and then."""
        self.key = RSAKey.generate_key(2048, {"kid": kid})
        self.published = [self.key]

    def _application(self) -> FastAPI:
        app = FastAPI()

        @app.get("/realm/.well-known/openid-configuration")
        async def configuration() -> dict[str, Any]:
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/end?realm=x",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            }

        @app.get("/realm/keys")
        async def keys() -> dict[str, Any]:
            self.key_requests += 1
            return {"keys": [key.as_dict(private=False) for key in self.published]}

        @app.get("/realm/authorize")
        async def authorize(request: Request) -> RedirectResponse:
            asked = dict(request.query_params)
            self.asked.append(asked)
            code = secrets.token_urlsafe(16)
            self._codes[code] = asked
            separator = "&" if "?" in asked["redirect_uri"] else "?"
            address = f"{asked['redirect_uri']}{separator}code={code}&state={asked['state']}"
            return RedirectResponse(address, 303)

        @app.post("/realm/token")
        async def token(
            request: Request, code: str = Form(), redirect_uri: str = Form(), code_verifier: str = Form()
        ) -> JSONResponse:
            kind, _, sent = request.headers.get("authorization", "").partition(" ")
            client, _, secret = b64decode(sent).decode().partition(":")
            if (kind, unquote(client), unquote(secret)) != ("Basic", CLIENT, SECRET):
                return JSONResponse({"error": "invalid_client"}, 401)
            asked = self._codes.pop(code, None)
            challenge = (
                urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
            )
            if asked is None or asked["redirect_uri"] != redirect_uri or asked["code_challenge"] != challenge:
                return JSONResponse({"error": "invalid_grant"}, 400)
            now = int(time.time())
            claims = {
                "iss": self.issuer,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 300,
                "nonce": asked["nonce"],
            }
            claims |= self.claims
            return JSONResponse(
                {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(claims)}
            )

        return app

    def _signed(self, claims: dict[str, Any]) -> str:
        kept = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            return jwt.encode({"alg": "none"}, kept, OctKey.generate_key(), algorithms=["none"])
        key = self.forged_with or self.key
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, kept, key, algorithms=[self.algorithm])
