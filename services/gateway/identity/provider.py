"""The identity provider, as a client of it sees it: OpenID Connect Core 1.0, code flow with PKCE (RFC 7636).

Building requests and checking claims is authlib's and joserfc's; fetching over HTTP is ours.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import TagwerkError

log = structlog.get_logger(__name__)

#: Signatures that only the provider can make. HMAC would do with our own secret, `none` with nothing.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip

#: Seconds: for an answer; that what the provider tells of itself holds; between two looks for new keys;
#: by which clocks may differ.
TIMEOUT, METADATA_HOLDS, KEYS_EVERY, LEEWAY = 10.0, 3600.0, 30.0, 60
#: Bytes of an answer.
_LARGEST = 1_000_000


class Metadata(BaseModel):
    """What the provider tells of itself (OpenID Connect Discovery 1.0)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in there."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]
    #: As it came, for the sign-out there.
    id_token: str


class ProviderUnavailable(TagwerkError):
    def __init__(self, cause: str, concern: str) -> None:
        super().__init__(
            "identity_provider_unavailable",
            f"the identity provider does not answer as it should: {cause}",
            concern=concern,
            next_step="Try again in a moment. If it stays so, tell an administrator; local accounts work.",
            retryable=True,
        )


def identity_rejected(reason: str) -> TagwerkError:
    """What came back is not what was asked for."""
    return TagwerkError(
        "identity_rejected",
        f"the sign-in at the identity provider did not succeed: {reason}",
        next_step="Begin again on the sign-in page.",
    )


class Provider:
    def __init__(
        self, issuer: str, client_id: str, secret_file: Path | None, scopes: tuple[str, ...]
    ) -> None:
        _expect_secure(issuer, issuer)
        self.issuer = issuer
        self.client_id = client_id
        self._secret_file = secret_file
        self._scopes = scopes
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._http = httpx.AsyncClient(timeout=TIMEOUT, headers={"Accept": "application/json"})
        self._looking = asyncio.Lock()

    async def close(self) -> None:
        await self._http.aclose()

    async def where_to(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Address at which the browser asks for a code. Raises `ProviderUnavailable`."""
        metadata = await self.metadata()
        return str(
            prepare_grant_uri(
                metadata.authorization_endpoint,
                client_id=self.client_id,
                response_type="code",
                redirect_uri=redirect_uri,
                scope=" ".join(self._scopes),
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def identity(self, *, code: str, redirect_uri: str, nonce: str, verifier: str) -> Identity:
        """Exchange a code. Raises `ProviderUnavailable`, `identity_rejected`."""
        metadata = await self.metadata()
        secret = await asyncio.to_thread(self._secret)
        methods = metadata.token_endpoint_auth_methods_supported
        posted = secret and "client_secret_basic" not in methods and "client_secret_post" in methods
        auth = ClientAuth(
            self.client_id,
            secret,
            "none" if secret is None else "client_secret_post" if posted else "client_secret_basic",
        )
        body = prepare_token_request(
            "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = auth.prepare("POST", metadata.token_endpoint, headers, body)
        answer = await self._ask("POST", url, content=body, headers=headers)
        if answer.status_code in (400, 401):
            raise identity_rejected(f"it refused the code ({_error_of(answer)})")
        content = _json(answer, url)
        id_token = content.get("id_token")
        if not isinstance(id_token, str):
            raise identity_rejected("it sent no ID token")
        claims = await self._verified(metadata, id_token, nonce, content.get("access_token"))
        return Identity(metadata.issuer, claims["sub"], claims, id_token)

    async def sign_out_address(self, id_token: str, back_to: str) -> str | None:
        """Where a browser signs out there too (RP-Initiated Logout 1.0); None if that is not offered."""
        try:
            endpoint = (await self.metadata()).end_session_endpoint
        except TagwerkError:
            return None
        if endpoint is None:
            return None
        parameters = {
            "id_token_hint": id_token,
            "client_id": self.client_id,
            "post_logout_redirect_uri": back_to,
        }
        return str(httpx.URL(endpoint).copy_merge_params(parameters))

    async def metadata(self) -> Metadata:
        """Raises `ProviderUnavailable`."""
        async with self._looking:
            if self._metadata is not None and time.monotonic() - self._metadata[0] < METADATA_HOLDS:
                return self._metadata[1]
            url = str(get_well_known_url(self.issuer, external=True))
            try:
                metadata = Metadata.model_validate(_json(await self._ask("GET", url), url))
            except ValidationError as error:
                raise ProviderUnavailable(
                    f"its configuration lacks {error.error_count()} fields", url
                ) from error
            if metadata.issuer != self.issuer:
                raise ProviderUnavailable(f"it calls itself {metadata.issuer[:200]}", url)
            for address in (
                metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri,
                metadata.end_session_endpoint,
            ):  # fmt: skip
                if address is not None:
                    _expect_secure(address, self.issuer)
            self._metadata = time.monotonic(), metadata
            return metadata

    async def _verified(
        self, metadata: Metadata, id_token: str, nonce: str, access_token: object
    ) -> dict[str, Any]:
        offered = metadata.id_token_signing_alg_values_supported
        algorithms = [algorithm for algorithm in ALGORITHMS if algorithm in offered]
        try:
            try:
                token = jwt.decode(id_token, await self._key_set(metadata), algorithms=algorithms)
            except (InvalidKeyIdError, ValueError):
                # Signed with a key that came after our last look.
                token = jwt.decode(id_token, await self._key_set(metadata, anew=True), algorithms=algorithms)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": metadata.issuer},
                    "aud": {"essential": True, "value": self.client_id},
                    "nonce": {"essential": True, "value": nonce},
                },
                {"client_id": self.client_id, "nonce": nonce, "access_token": access_token},
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError) as error:
            raise identity_rejected(f"its ID token does not hold ({error})") from error
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise identity_rejected("its ID token names nobody")
        return dict(claims)

    async def _key_set(self, metadata: Metadata, *, anew: bool = False) -> KeySet:
        async with self._looking:
            known = self._keys
            if known is not None and (not anew or time.monotonic() - known[0] < KEYS_EVERY):
                return known[1]
            content = _json(await self._ask("GET", metadata.jwks_uri), metadata.jwks_uri)
            try:
                keys = KeySet.import_key_set(content)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ProviderUnavailable(f"its keys cannot be read ({error})", metadata.jwks_uri) from error
            self._keys = time.monotonic(), keys
            return keys

    async def _ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            async with self._http.stream(method, url, **options) as answer:
                content = b""
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > _LARGEST:
                        raise ProviderUnavailable("its answer is too large", url)
        except httpx.HTTPError as error:
            raise ProviderUnavailable(str(error) or type(error).__name__, url) from error
        return httpx.Response(answer.status_code, content=content, request=answer.request)

    def _secret(self) -> str | None:
        """Read each time: it may be renewed while the gateway runs."""
        if self._secret_file is None:
            return None
        try:
            return self._secret_file.read_text().strip()
        except OSError as error:
            log.error("the client secret cannot be read", file=str(self._secret_file), error=str(error))
            raise ProviderUnavailable(
                "its client secret cannot be read here", str(self._secret_file)
            ) from error


def _expect_secure(address: str, issuer: str) -> None:
    """Plain HTTP is for a provider on this machine alone. Raises `openid_insecure`."""
    url = urlsplit(address)
    loopback = url.hostname in ("localhost", "127.0.0.1", "::1")
    if url.scheme != "https" and not (url.scheme == "http" and loopback):
        raise TagwerkError(
            "openid_insecure",
            f"{address} is no https address",
            concern=issuer,
            next_step="Correct TAGWERK_OPENID_ISSUER, or what the identity provider tells of itself.",
        )


def _json(answer: httpx.Response, url: str) -> dict[str, Any]:
    try:
        answer.raise_for_status()
        content = answer.json()
    except (httpx.HTTPStatusError, ValueError) as error:
        raise ProviderUnavailable(f"it answers {answer.status_code}", url) from error
    if not isinstance(content, dict):
        raise ProviderUnavailable("it answers no JSON object", url)
    return content


def _error_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])[:100]
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
