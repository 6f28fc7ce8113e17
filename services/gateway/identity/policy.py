"""The policy file: what an installation's own roles stand for, and what the groups of its identity provider
mean here. Read when the gateway starts."""

import asyncio
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.gateway.gate import Gate
from shared.access import ADMINISTRATOR, APPROVALS_VIEWER, TECHNICAL, Principal
from shared.errors import TagwerkError
from shared.jobs import CatalogueEntry

#: Seconds that the other services have to tell their jobs.
KNOWN_WITHIN = 30.0


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GroupRule(_Part):
    """Members of this group at the identity provider have these roles, for these clients."""

    group: str = Field(min_length=1)
    roles: frozenset[str] = frozenset()
    #: `*` for every client.
    clients: frozenset[str] = frozenset()


class OpenIdPolicy(_Part):
    #: Claim that lists the groups of a person.
    groups_claim: str = "groups"
    #: Claim from which the id of a principal is made.
    principal_claim: str = "preferred_username"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    #: What the button on the sign-in page says.
    name: str = "OpenID Connect"
    groups: tuple[GroupRule, ...] = ()


class Policy(_Part):
    #: An own role -> the roles of jobs and of the platform that it stands for.
    roles: dict[str, frozenset[str]] = Field(default_factory=dict)
    openid: OpenIdPolicy = OpenIdPolicy()

    @classmethod
    def read(cls, file: Path | None) -> "Policy":
        """Raises `policy_invalid`."""
        if file is None:
            return cls()
        try:
            return cls.model_validate(tomllib.loads(file.read_text()))
        except (OSError, ValueError) as error:
            raise TagwerkError(
                "policy_invalid",
                f"the policy file cannot be used: {_cause(error)}",
                concern=str(file),
                next_step="Correct it; docs/operations.md shows one.",
            ) from error

    def effective(self, principal: Principal) -> Principal:
        """With the roles that the principal's own roles stand for."""
        stood_for = [self.roles[role] for role in principal.roles if role in self.roles]
        if not stood_for:
            return principal
        return principal.model_copy(update={"roles": principal.roles.union(*stood_for)})

    def unknown_of(self, roles: Iterable[str], jobs: Iterable[CatalogueEntry]) -> list[str]:
        """Those of `roles` that mean nothing here: no job asks for them, and this file does not name them."""
        return sorted(set(roles) - self.known(jobs))

    def known(self, jobs: Iterable[CatalogueEntry]) -> frozenset[str]:
        """Every role that can be given."""
        return known_roles(jobs) | self.roles.keys()

    def of_groups(self, groups: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Roles and clients of somebody who is in these groups."""
        wanted = set(groups)
        rules = [rule for rule in self.openid.groups if rule.group in wanted]
        roles: frozenset[str] = frozenset().union(*(rule.roles for rule in rules))
        return roles, frozenset().union(*(rule.clients for rule in rules))

    def unknown_roles(self, known: frozenset[str]) -> list[str]:
        """The roles that are named here and that nobody knows."""
        named = set().union(*self.roles.values()) - known
        given = set().union(*(rule.roles for rule in self.openid.groups)) - known - set(self.roles)
        return sorted(named | given)


def known_roles(jobs: Iterable[CatalogueEntry]) -> frozenset[str]:
    """Roles that mean something to jobs or to the platform."""
    known = {ADMINISTRATOR, TECHNICAL, APPROVALS_VIEWER}
    for entry in jobs:
        known |= {*entry.access.roles, f"{entry.access.module}-viewer"}
    return frozenset(known)


async def check_roles(policy: Policy, gate: Gate, file: Path | None) -> None:
    """Raises `policy_roles_unknown`. At the first start of an installation the services tell their jobs
    meanwhile, so an unknown name is waited for."""
    end = time.monotonic() + KNOWN_WITHIN
    while True:
        unknown = policy.unknown_roles(known_roles(await gate.jobs()))
        if not unknown:
            return
        if time.monotonic() > end:
            break
        await asyncio.sleep(0.5)
    raise TagwerkError(
        "policy_roles_unknown",
        f"the policy file names roles that no job asks for: {', '.join(unknown)}",
        concern=str(file),
        next_step="Correct the names; `tagwerk job JOB` tells the roles of a job.",
    )


def _cause(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" for detail in error.errors()
        )
    return str(error)
