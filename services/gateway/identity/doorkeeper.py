"""The door: from a request to its session, and whether a session or a token may be used for it."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request

from services.gateway.identity import core
from services.gateway.identity.asker import Asker, SignedIn
from services.gateway.identity.cookies import DEVICE, SESSION, Cookies
from services.gateway.identity.rejections import Rejections
from services.gateway.identity.sessions import Sessions, Visitor
from services.gateway.problems import ProblemError
from shared.errors import Failure, TagwerkError
from shared.words import TokenScope

#: Name of the hidden field of a form, and of the parameter of a form whose body is a stream.
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "x-csrf-token"

#: All that is open to those whose password has to be changed first: somebody else knows it, who could make
#: themselves a token with it.
_BEFORE_CHANGE = frozenset(
    {"/account", "/account/password", "/sign-out", "/preferences", "/api/v1/me", "/api/v1/me/password"}
)


def address_of(request: Request) -> str:
    """Where it came from, as the server knows it: by the connection, or by a proxy that is trusted."""
    return request.client.host if request.client else "unknown"


class NotSignedIn(TagwerkError):
    def __init__(self) -> None:
        super().__init__(
            "not_signed_in",
            "this request carries neither a token nor a session",
            next_step="Sign in with a browser, or send the header `Authorization: Bearer <token>`; "
            "`tagwerk sign-in` issues one.",
        )


class Doorkeeper:
    def __init__(
        self, sessions: Sessions, rejections: Rejections, cookies: Cookies, public_url: str | None
    ) -> None:
        self.cookies = cookies
        self._sessions = sessions
        self._rejections = rejections
        self._public_url = public_url

    def visitor(self, request: Request) -> Visitor:
        jar = request.cookies
        return Visitor(
            address_of(request),
            request.headers.get("user-agent", ""),
            jar.get(self.cookies.name(SESSION)),
            jar.get(self.cookies.name(DEVICE)),
        )

    async def session_of(self, request: Request) -> Asker:
        """Raises `NotSignedIn`, `SessionEnded`, `request_forged`, `password_change_required`."""
        secret = request.cookies.get(self.cookies.name(SESSION))
        if secret is None:
            raise NotSignedIn
        found = await self._sessions.find(secret, use=core.is_use(request.headers))
        if request.method not in core.SAFE_METHODS:
            await self.check_form(request, secret, found.principal.id)
        session = found.session
        if found.outdated:
            fresh = await self._sessions.replace(found)
            if fresh is not None:
                session = SignedIn(session.id, fresh, session.how, session.expires_at, session.must_change)
                self.give(request, SESSION, fresh)
        request.state.session = session
        if session.must_change and request.url.path not in _BEFORE_CHANGE:
            raise TagwerkError(
                "password_change_required",
                "somebody else has set your password; choose one of your own first",
                concern=found.principal.id,
                next_step="Change it: on the page `/account`, or with `PUT /api/v1/me/password`.",
            )
        return Asker.of(found.principal)

    async def check_form(self, request: Request, secret: str, principal: str) -> None:
        """A request that changes something comes from one of our own pages. Raises `request_forged`."""
        reason = core.why_foreign(request.headers, self._public_url)
        if reason is None and not core.is_csrf_token(await _sent_token(request), secret):
            reason = "the token of its form is missing or belongs to another session"
        if reason is not None:
            await self._refuse(request, reason, principal)

    async def check_origin(self, request: Request) -> None:
        """As `check_form`, for forms of those who have no session yet. Raises `request_forged`."""
        reason = core.why_foreign(request.headers, self._public_url)
        if reason is not None:
            await self._refuse(request, reason, "unknown")

    async def _refuse(self, request: Request, reason: str, principal: str) -> None:
        concern = f"{request.method} {request.url.path}"[:200]
        await self._rejections.record(
            concern, f"{reason}, from {address_of(request)}", principal=principal, action="access_refused"
        )
        raise TagwerkError(
            "request_forged",
            f"this request was not made by a page of Tagwerk: {reason}",
            concern=request.url.path,
            next_step="Load the page again and repeat what you did.",
        )

    async def check_token(self, asker: Asker, request: Request, needed: Sequence[str]) -> None:
        """Whether the asker's token may be used for a route that needs these scopes. Raises
        `scope_missing`."""
        if not asker.limited:
            return
        scopes = [scope for scope in TokenScope if scope in needed]
        missing = [str(scope) for scope in scopes or TokenScope if scope not in asker.scopes]
        reason = None
        if missing:
            reason = f"this token of {asker.id} lacks the scope {' and '.join(missing)}"
        elif not scopes:
            reason = f"this token of {asker.id} is limited, and may not be used here"
        elif asker.jobs is not None and len(scopes) == len(needed):
            reason = f"this token of {asker.id} is for {', '.join(sorted(asker.jobs))} alone"
        if reason is None:
            return
        concern = f"{request.method} {request.url.path}"[:200]
        await self._rejections.record(concern, reason, principal=asker.id, action="access_refused")
        members: dict[str, Any] = {"scopes_wanted": missing} if missing else {}
        failure = Failure(
            code="scope_missing",
            cause=reason,
            concern=concern,
            next_step="Use a token that may: `tagwerk tokens issue --scope …`.",
        )
        raise ProblemError(failure, **members)

    def give(self, request: Request, name: str, value: str, *, seconds: int | None = None) -> None:
        """Set a cookie with whatever answer the request gets."""
        request.scope["state"].setdefault("cookies", []).append(
            self.cookies.header(name, value, seconds=seconds)
        )

    def take(self, request: Request, name: str) -> None:
        """Remove a cookie with whatever answer the request gets."""
        self.give(request, name, "", seconds=0)


async def _sent_token(request: Request) -> str:
    """The header's, else the form's. A form with files is read by its route, piece by piece: there the
    token stands in the address, which is neither logged nor told to other sites."""
    header = request.headers.get(CSRF_HEADER)
    if header is not None:
        return header
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" or _is_read(request):
        field = (await request.form()).get(CSRF_FIELD)
        return field if isinstance(field, str) else ""
    return request.query_params.get(CSRF_FIELD, "") if kind == "multipart/form-data" else ""


def _is_read(request: Request) -> bool:
    """Whether the framework has read a form with files already."""
    return getattr(request, "_form", None) is not None
