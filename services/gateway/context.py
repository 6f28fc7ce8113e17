"""What the routes work with, and who asks: the dependencies of every route."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from obstore.store import ObjectStore
from pydantic import BaseModel

from services.gateway import core
from services.gateway.fields import Sequence
from services.gateway.gate import Gate
from services.gateway.identity.asker import Asker
from services.gateway.identity.doorkeeper import Doorkeeper, NotSignedIn, address_of
from services.gateway.identity.local import LocalSignIn
from services.gateway.identity.openid import OpenIdSignIn
from services.gateway.identity.rates import Limits
from services.gateway.identity.sessions import SessionEnded, Sessions
from services.gateway.live import LiveStreams
from services.gateway.problems import DATABASE_AWAY, trace_of
from services.gateway.sign_in import SignIn, TokenRejected
from services.gateway.store import Accounts
from services.gateway.tracing import Trace
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import Query as StatusQuery
from shared.commands import RunDetail, RunQuery, Scope
from shared.database import Pool
from shared.errors import Failure, TagwerkError
from shared.events import now
from shared.intake import Intake
from shared.settings import Settings
from shared.telemetry.spans import waits
from shared.words import TokenScope

Answer = TypeVar("Answer", bound=BaseModel)

#: Seconds for a query: it may wait 2 s for the projection.
QUERY_TIMEOUT = 10.0

#: Seconds of one question within a longer wait: short, so that a stop does not have to wait for it.
WAIT_SLICE = 2.0


#: Who holds the session or the token of a request now. Raises `SessionEnded`, `TokenRejected`.
Holder = Callable[[], Awaitable[Asker]]


@dataclass(slots=True)
class Gateway:
    """The parts of a started gateway."""

    settings: Settings
    bus: Bus
    pool: Pool
    files: ObjectStore
    accounts: Accounts
    principals: Bucket[Principal]
    sign_in: SignIn
    local: LocalSignIn
    #: None where no identity provider is configured.
    openid: OpenIdSignIn | None
    sessions: Sessions
    doorkeeper: Doorkeeper
    limits: Limits
    gate: Gate
    intake: Intake
    live: LiveStreams
    #: Set when the gateway has been asked to stop: waits and streams end.
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: datetime = field(default_factory=now)

    async def ask_of_run(
        self,
        principal: Principal,
        run_id: UUID,
        name: str,
        query: StatusQuery,
        answer: type[Answer],
        *,
        timeout: float = QUERY_TIMEOUT,
    ) -> Answer:
        """`query.status.<name>` about one run. Raises `run_not_found` for a hidden run as for none."""
        try:
            return await self.bus.ask(subjects.query("status", name), query, answer, timeout=timeout)
        except TagwerkError as error:
            if error.failure.code != "run_not_found":
                raise
            self.gate.look_for_hidden_run(principal, run_id)
            raise core.run_not_found(run_id) from None

    async def run(
        self,
        principal: Principal,
        run_id: UUID,
        *,
        at_least: int = 0,
        wait: float = 0,
        until_final: bool = True,
        timeline: bool = True,
    ) -> RunDetail:
        """The run, waited for up to `wait` seconds: that it exists, and if so wanted that it has ended.

        An upload names runs that are not requested yet, so a run that is not there may still come.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        if wait:
            waits(wait)
        while True:
            scope = await self.gate.scope(principal, at_least)
            rest = 0.0 if self.draining.is_set() else max(0.0, end - loop.time())
            asked = min(rest, WAIT_SLICE) if until_final else 0.0
            query = RunQuery(run_id=run_id, wait=asked, timeline=timeline, **scope)
            try:
                run = await self.bus.ask(
                    subjects.query("status", "run"), query, RunDetail, timeout=QUERY_TIMEOUT + asked
                )
            except TagwerkError as error:
                if error.failure.code != "run_not_found":
                    raise
                if rest <= 0:
                    self.gate.look_for_hidden_run(principal, run_id)
                    raise core.run_not_found(run_id) from None
                await asyncio.sleep(min(rest, 0.1))
                continue
            if run.state.final or rest <= 0 or not until_final:
                return run

    async def why_over(self, holder: Holder, run: RunDetail) -> Failure | None:
        """Why whoever follows the run may not do so any more; None if they may, or nobody can tell."""
        try:
            scope: Scope = (await self.gate.scope(await holder()))["scope"]
        except (SessionEnded, TokenRejected) as error:
            return error.failure
        except (TagwerkError, *DATABASE_AWAY, OSError):
            # What ends sessions and takes rights away lies where nobody can reach it now.
            return None
        return None if scope.sees(run.client, run.job) else core.run_not_found(run.run_id).failure


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.state.gateway
    return gateway


_bearer = HTTPBearer(auto_error=False, description="A token of `POST /api/v1/tokens` or `tagwerk sign-in`.")

TheGateway = Annotated[Gateway, Depends(_gateway)]


async def asking(
    request: Request,
    gateway: TheGateway,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    needed: SecurityScopes,
) -> Asker:
    """Who asks: the bearer of a token, or else the holder of a session. What a route names in `needed` a
    token has to allow; a route that names nothing asks for a token that allows everything."""
    if "authorization" in request.headers:
        # A session never stands in for a token that is not right.
        if credentials is None:
            raise NotSignedIn
        asker = await gateway.sign_in.asker_of(credentials.credentials, address_of(request))
        request.state.holder = partial(gateway.sign_in.holder, credentials.credentials)
    else:
        asker = await gateway.doorkeeper.session_of(request)
        request.state.holder = partial(gateway.sessions.holder, request.state.session.id)
    request.state.principal = asker.id
    request.state.asking = asker
    gateway.limits.request(asker.id)
    await gateway.doorkeeper.check_token(asker, request, needed.scopes)
    return asker


async def _trace(request: Request) -> Trace:
    return trace_of(request)


#: In place of a scope: the route leaves out jobs that the token leaves out.
BY_JOB = "by_job"

#: Who asks. A route that takes one of these answers 401 to everybody else, and 403 to a token without the
#: scope. A token that is limited to some jobs gets no further than to routes `BY_JOB`.
Asking = Annotated[Asker, Security(asking)]
MayRead = Annotated[Asker, Security(asking, scopes=[TokenScope.READ])]
MayReadJobs = Annotated[Asker, Security(asking, scopes=[TokenScope.READ, BY_JOB])]
MayStart = Annotated[Asker, Security(asking, scopes=[TokenScope.START, BY_JOB])]
MayUpload = Annotated[Asker, Security(asking, scopes=[TokenScope.UPLOAD])]
MayApprove = Annotated[Asker, Security(asking, scopes=[TokenScope.APPROVE])]
MayAdminister = Annotated[Asker, Security(asking, scopes=[TokenScope.ADMINISTER])]
TheTrace = Annotated[Trace, Depends(_trace)]

AtLeast = Annotated[
    Sequence,
    Query(
        description="A sequence that a command answered: the answer includes it, or is 503 after 2 s.",
    ),
]
