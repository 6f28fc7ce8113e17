"""Who may see and do what: the one check behind page, HTTP API, CLI, schedule, event and MQTT.

A general user sees general jobs; an operational administrator the jobs of their modules; a technical
administrator the technical ones. What may not be seen is `NOT_VISIBLE` (404), what may be seen but not
done is `FORBIDDEN` (403) with the missing role named.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.words import Level, PrincipalKind

#: The role that sees and does everything, in every client.
ADMINISTRATOR = "administrator"
#: The role for technical jobs and the platform itself: dead letters, rebuilds.
TECHNICAL = "technical"
#: The role that sees every approval of its clients and decides on none.
APPROVALS_VIEWER = "approvals-viewer"
#: In `Principal.clients`: every client.
EVERY_CLIENT = "*"


class Principal(BaseModel):
    """Who asks, as the gateway publishes them to the `principals` bucket (key: the id)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Lower-case words, dots and dashes: `ada.admin`, `service-nightly`. Also the bucket key.
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    name: str
    kind: PrincipalKind = PrincipalKind.USER
    roles: frozenset[str] = frozenset()
    #: The clients (mandates) whose documents they may handle; `*` for every client.
    clients: frozenset[str] = frozenset()
    active: bool = True

    def may_act_for(self, client: str) -> bool:
        return client in self.clients or EVERY_CLIENT in self.clients


class Access(BaseModel):
    """What a job asks of those who start it and read its runs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    module: str
    level: Level
    #: Any one of these roles is enough.
    roles: frozenset[str] = Field(min_length=1)


class Verdict(StrEnum):
    ALLOWED = "allowed"
    NOT_VISIBLE = "not_visible"
    FORBIDDEN = "forbidden"


class AccessDecision(BaseModel):
    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    #: In words, for the person who was refused.
    reason: str

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ALLOWED


class Action(StrEnum):
    SEE = "see"
    START = "start"


_ALLOWED = AccessDecision(verdict=Verdict.ALLOWED, reason="allowed")


def decide_access(
    principal: Principal, access: Access, action: Action = Action.SEE, client: str | None = None
) -> AccessDecision:
    """Whether `principal` may do `action` with a job of this `access`, for `client` if one is meant."""
    if not principal.active:
        return _not_visible("this principal is deactivated")
    if client is not None and not principal.may_act_for(client):
        return _not_visible(f"{principal.id} does not act for client {client}")
    if ADMINISTRATOR in principal.roles or access.roles & principal.roles:
        return _ALLOWED
    if not _sees_level(principal, access):
        return _not_visible(f"jobs of level {access.level} are not shown to {principal.id}")
    if action is Action.SEE:
        return _ALLOWED
    wanted = " or ".join(sorted(access.roles))
    return AccessDecision(
        verdict=Verdict.FORBIDDEN, reason=f"{principal.id} lacks the role {wanted} (module {access.module})"
    )


def _sees_level(principal: Principal, access: Access) -> bool:
    """Seeing without a job's own role: general jobs for everybody, operational ones within the module
    (role `<module>-viewer`), technical ones for technical administrators."""
    match access.level:
        case Level.GENERAL:
            return True
        case Level.OPERATIONAL:
            return f"{access.module}-viewer" in principal.roles
        case Level.TECHNICAL:
            return TECHNICAL in principal.roles


def _not_visible(reason: str) -> AccessDecision:
    return AccessDecision(verdict=Verdict.NOT_VISIBLE, reason=reason)


def may_operate_platform(principal: Principal) -> bool:
    """Dead letters, rebuilds, the state of services: for technical administrators."""
    return principal.active and bool({ADMINISTRATOR, TECHNICAL} & principal.roles)
