"""Sign-in at an identity provider: the way there, the way back, and who that is here."""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.gateway.identity.core import address_group, local_path, secret_hash
from services.gateway.identity.policy import Policy
from services.gateway.identity.provider import Identity, Provider, identity_rejected
from services.gateway.identity.rates import Limits
from services.gateway.identity.rejections import Rejections
from services.gateway.identity.sessions import Sessions, Visitor
from services.gateway.principals import publish_principals
from services.gateway.store import Accounts, lock_principal, write_principal
from shared.access import EVERY_CLIENT, Principal
from shared.audit import AuditEntry
from shared.buckets import Bucket
from shared.database import Pool
from shared.errors import TagwerkError
from shared.outbox import Transaction
from shared.settings import Settings

#: How long somebody may take at the identity provider.
PATIENCE = timedelta(minutes=10)

CALLBACK = "/sign-in/openid/callback"


@dataclass(frozen=True, slots=True)
class Departure:
    """The browser's way to the identity provider."""

    address: str
    #: For a cookie: the answer counts in this browser only.
    browser: str


@dataclass(frozen=True, slots=True)
class Arrival:
    session: str
    next: str


class OpenIdSignIn:
    def __init__(
        self,
        provider: Provider,
        pool: Pool,
        accounts: Accounts,
        principals: Bucket[Principal],
        sessions: Sessions,
        rejections: Rejections,
        limits: Limits,
        own_url: str,
    ) -> None:
        self.provider = provider
        self._pool = pool
        self._accounts = accounts
        self._principals = principals
        self._sessions = sessions
        self._rejections = rejections
        self._limits = limits
        self._own_url = own_url.rstrip("/")

    @property
    def name(self) -> str:
        """What the button says."""
        return self._accounts.policy.openid.name

    async def depart(self, next: str, visitor: Visitor) -> Departure:
        """Raises `identity_provider_unavailable`, `too_many_requests`."""
        self._limits.sign_in(address_group(visitor.address))
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        address = await self.provider.where_to(
            redirect_uri=self._own_url + CALLBACK, state=state, nonce=nonce, verifier=verifier
        )
        await self._pool.execute(
            "insert into openid_requests (state, browser, nonce, verifier, next) values ($1, $2, $3, $4, $5)",
            secret_hash(state), secret_hash(browser), nonce, verifier, local_path(next),
        )  # fmt: skip
        return Departure(address, browser)

    async def arrive(
        self, *, state: str, code: str | None, error: str | None, browser: str | None, visitor: Visitor
    ) -> Arrival:
        """Raises `identity_rejected`, `identity_unknown`, `identity_provider_unavailable`."""
        self._limits.sign_in(address_group(visitor.address))
        try:
            # Taken before anything else is done with it: it counts once.
            row = await self._pool.fetchrow(
                "delete from openid_requests where state = $1 and browser = $2"
                " and created_at > now() - $3::interval returning nonce, verifier, next",
                secret_hash(state), secret_hash(browser or ""), PATIENCE,
            )  # fmt: skip
            if row is None:
                raise identity_rejected("it was begun in another browser, too long ago, or it has been used")
            if error is not None or code is None:
                raise identity_rejected(f"it says {(error or 'nothing')[:100]}")
            identity = await self.provider.identity(
                code=code,
                redirect_uri=self._own_url + CALLBACK,
                nonce=row["nonce"],
                verifier=row["verifier"],
            )
            session = await self._open(identity, visitor)
        except TagwerkError as refusal:
            await self._rejections.record(visitor.address, f"OpenID Connect: {refusal.failure.cause}")
            raise
        return Arrival(session, row["next"])

    async def sign_out_address(self, id_token: str) -> str | None:
        return await self.provider.sign_out_address(id_token, f"{self._own_url}/sign-in")

    async def _open(self, identity: Identity, visitor: Visitor) -> str:
        policy = self._accounts.policy
        roles, clients = policy.of_groups(_texts(identity.claims.get(policy.openid.groups_claim)))
        if not roles and not clients:
            raise _unknown(identity, "none of their groups means anything here")
        async with self._accounts.changing() as tx:
            id = await _principal_id(tx, identity, policy)
            before = await lock_principal(tx, id)
            if before is not None and not before.active:
                raise _unknown(identity, f"{id} is deactivated")
            after = Principal(
                id=id,
                name=_name(identity, id),
                roles=roles,
                clients=frozenset({EVERY_CLIENT}) if EVERY_CLIENT in clients else clients,
            )
            if before != after:
                await write_principal(tx, after, by="openid")
                tx.audit(
                    AuditEntry(
                        action="principal_changed",
                        principal=id,
                        concern=f"principal:{id}",
                        reason="what the identity provider says of them",
                        before=None if before is None else _told(before),
                        after=_told(after),
                    )
                )
            await tx.connection.execute(
                "insert into identities (issuer, subject, principal) values ($1, $2, $3)"
                " on conflict do nothing",
                identity.issuer, identity.subject, id,
            )  # fmt: skip
            session = await self._sessions.open(tx, after, "openid", visitor, id_token=identity.id_token)
        if before != after:
            await publish_principals(self._accounts, self._principals)
        return session


async def _principal_id(tx: Transaction, identity: Identity, policy: Policy) -> str:
    """Who the subject is here. At the first sign-in an id is made of what it is called, unless somebody else
    has it: a name that one can choose at the provider takes over no account."""
    known = await tx.connection.fetchval(
        "select principal from identities where issuer = $1 and subject = $2",
        identity.issuer, identity.subject,
    )  # fmt: skip
    if known is not None:
        return str(known)
    claim = policy.openid.principal_claim
    value = identity.claims.get(claim)
    id = principal_id(value) if isinstance(value, str) else None
    if id is None:
        raise _unknown(identity, f"its claim {claim} makes no name")
    if await lock_principal(tx, id) is not None:
        raise _unknown(identity, f"there is another account {id} already")
    return id


def principal_id(value: str) -> str | None:
    """`Ada@Example.org` becomes `ada-example.org`. Pure."""
    made = re.sub(r"[^a-z0-9._-]+", "-", value.casefold()).strip("._-")[:63].rstrip("._-")
    return made or None


def _name(identity: Identity, id: str) -> str:
    name = identity.claims.get("name")
    clean = " ".join(name.split())[:200] if isinstance(name, str) else ""
    return clean.encode(errors="replace").decode().replace("\0", "") or id


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def _told(principal: Principal) -> dict[str, Any]:
    told = principal.model_dump(mode="json", exclude={"name"})
    return told | {"roles": sorted(principal.roles), "clients": sorted(principal.clients)}


def _unknown(identity: Identity, reason: str) -> TagwerkError:
    return TagwerkError(
        "identity_unknown",
        f"you are signed in at the identity provider, but may not come in here: {reason}",
        concern=identity.subject[:100],
        next_step="Ask an administrator of Tagwerk: the policy file says which groups come in.",
    )


def provider_of(settings: Settings, policy: Policy) -> Provider | None:
    """Raises `openid_incomplete`, `openid_insecure`."""
    if settings.openid_issuer is None:
        return None
    if settings.openid_client_id is None:
        raise TagwerkError(
            "openid_incomplete",
            "TAGWERK_OPENID_ISSUER is set, TAGWERK_OPENID_CLIENT_ID is not",
            concern=settings.openid_issuer,
            next_step="Set both, and TAGWERK_OPENID_CLIENT_SECRET_FILE if the provider gave you a secret.",
        )
    scopes = policy.openid.scopes
    scopes = scopes if "openid" in scopes else ("openid", *scopes)
    return Provider(
        settings.openid_issuer, settings.openid_client_id, settings.openid_client_secret_file, scopes
    )
