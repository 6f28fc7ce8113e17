"""The gateway: HTTP in front of bus and database, put together."""

import asyncio
import functools
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway import problems, server
from services.gateway.contacts import list_people
from services.gateway.context import Gateway
from services.gateway.declaration import DECLARATION
from services.gateway.edge import Edge
from services.gateway.gate import Gate
from services.gateway.identity.cookies import Cookies, address_of
from services.gateway.identity.doorkeeper import Doorkeeper
from services.gateway.identity.local import LocalSignIn
from services.gateway.identity.openid import OpenIdSignIn, provider_of
from services.gateway.identity.policy import Policy, check_roles
from services.gateway.identity.provider import Provider
from services.gateway.identity.rates import Limits
from services.gateway.identity.rejections import Rejections
from services.gateway.identity.sessions import Sessions
from services.gateway.identity.tidy import keep_tidy
from services.gateway.live import LiveStreams
from services.gateway.multipart import remove_left_behind
from services.gateway.pages import app as pages
from services.gateway.pages.errors import error_page
from services.gateway.pages.languages import read_all
from services.gateway.principals import keep_publishing
from services.gateway.routes import (
    accounts,
    alerts,
    approvals,
    audit,
    bank,
    chain,
    choices,
    contacts,
    contract,
    dead_letters,
    documents,
    erp,
    events,
    files,
    health,
    jobs,
    me,
    mqtt,
    my_account,
    overview,
    page_images,
    passwords,
    payments,
    preflight,
    rates,
    rebuild,
    records,
    reports,
    reruns,
    runs,
    schedule_changes,
    schedules,
    search,
    silences,
    steering,
    systems,
    tokens,
    traces,
    uploads,
    version,
    watch,
)
from services.gateway.server import Server
from services.gateway.sign_in import SignIn
from services.gateway.store import Accounts
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.catalogue import catalogue
from shared.commands import PeopleQuery
from shared.entry import read_settings
from shared.errors import TagwerkError
from shared.events import DocumentUploaded
from shared.files import open_store
from shared.http_server import listen
from shared.intake import Intake, remember_arrival
from shared.service import SOFTWARE_VERSION, Service
from shared.settings import Settings
from shared.tls import FileContext, hosts, refuse_plain_listener

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"

_STORIES = (
    me,
    version,
    jobs,
    overview,
    search,
    preflight,
    choices,
    systems,
    schedules,
    schedule_changes,
    runs,
    records,
    events,
    steering,
    reruns,
    uploads,
    files,
    documents,
    page_images,
    chain,
    approvals,
    rates,
    bank,
    erp,
    payments,
    reports,
    my_account,
    accounts,
    passwords,
    contacts,
    tokens,
    watch,
    alerts,
    silences,
    dead_letters,
    rebuild,
    audit,
    mqtt,
    traces,
)


@functools.cache
def application() -> FastAPI:
    """All routes, without anything behind them: each request brings its gateway along, in its state."""
    app = FastAPI(
        title="Tagwerk",
        version=SOFTWARE_VERSION,
        summary="Runs the background work of a document and invoice installation.",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app, error_page)
    api = APIRouter(prefix="/api/v1", responses=problems.answers(401, 422, 500, 503))
    for story in _STORIES:
        api.include_router(story.router)
    app.include_router(api)
    app.include_router(health.router)
    app.include_router(contract.router)
    app.include_router(pages.router())
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, object]:
    """The OpenAPI document, with the one shape of every error."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = document["components"]["schemas"]
        schemas.update(schema.pop("$defs"))
        schemas["Problem"] = schema
        app.openapi_schema = document
    return app.openapi_schema


def build(settings: Settings) -> Server:
    """The server with everything behind it, started and stopped with the server."""

    async def record_document_uploaded(event: DocumentUploaded) -> None:
        await remember_arrival(service.pool, event)

    policy = Policy.read(settings.policy_file)
    provider = provider_of(settings, policy)
    service = Service(
        DECLARATION,
        settings,
        migrations=MIGRATIONS,
        on_event={"event.document.uploaded": record_document_uploaded},
        rule_files={"policy": settings.policy_file},
    )

    @functools.cache
    def parts() -> Gateway:
        return assemble(service, settings, policy, provider)

    service.answer(
        subjects.query("gateway", "people"),
        PeopleQuery,
        lambda request: list_people(service.pool, parts().accounts, request),
    )
    service.background("principals", lambda: keep_publishing(parts().accounts, parts().principals))
    service.background("expired sign-ins", lambda: keep_tidy(parts().sessions, service.pool))

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[dict[str, Gateway]]:
        await asyncio.to_thread(remove_left_behind)
        await service.start()
        try:
            await _check_roles(policy, parts().gate, settings.policy_file)
            await parts().sign_in.read_file()
            made.gateway = parts()
            yield {"gateway": parts()}
            await parts().gate.settle()
        finally:
            if provider is not None:
                await provider.close()
            await service.stop()

    read_all()
    over_tls = address_of(settings).startswith("https://")
    edge = Edge(application(), lifespan, over_tls=over_tls)
    made = Server(edge, trusted_proxies=settings.trusted_proxies, tls=_tls(settings))
    return made


def _tls(settings: Settings) -> FileContext | None:
    """Raises `plaintext_refused`, `setting_missing`, `certificates_unreadable`."""
    certificate, key = settings.http_cert_file, settings.http_key_file
    if certificate is not None and key is not None:
        return FileContext.server(certificate, key)
    if certificate is not None or key is not None:
        missing = "TAGWERK_HTTP_CERT_FILE" if certificate is None else "TAGWERK_HTTP_KEY_FILE"
        raise TagwerkError(
            "setting_missing",
            "HTTPS needs a certificate and its key, and one of the two is not named",
            concern=missing,
            next_step=f"Set {missing} too.",
        )
    refuse_plain_listener(settings.http_host, hosts(settings.plaintext_hosts))
    return None


async def _check_roles(policy: Policy, gate: Gate, file: Path | None) -> None:
    try:
        await check_roles(policy, gate, file)
    except TagwerkError as error:
        log.error(error.failure.cause, next_step=error.failure.next_step)
        raise


def assemble(service: Service, settings: Settings, policy: Policy, provider: Provider | None) -> Gateway:
    """The parts of a started service."""
    bus, pool = service.bus, service.pool
    store = open_store(settings.files_url)
    accounts = Accounts(pool, service.relay, policy)
    principals = Bucket(bus, subjects.PRINCIPALS, Principal)
    rejections = Rejections(bus)
    limits = Limits(
        requests_per_second=settings.requests_per_second,
        request_burst=settings.request_burst,
        sign_ins_per_minute=settings.sign_ins_per_minute,
    )
    sessions = Sessions(
        pool,
        accounts,
        idle=timedelta(minutes=settings.session_idle_minutes),
        longest=timedelta(hours=settings.session_hours),
    )
    openid = None
    if provider is not None:
        openid = OpenIdSignIn(
            provider, pool, accounts, principals, sessions, rejections, limits, address_of(settings)
        )
    draining = asyncio.Event()
    return Gateway(
        settings=settings,
        bus=bus,
        pool=pool,
        files=store,
        accounts=accounts,
        principals=principals,
        sign_in=SignIn(accounts, principals, rejections, limits, settings.sign_in_file),
        local=LocalSignIn(bus, pool, accounts, sessions, rejections, limits),
        openid=openid,
        sessions=sessions,
        doorkeeper=Doorkeeper(sessions, rejections, Cookies.of(settings), settings.public_url),
        limits=limits,
        gate=Gate(bus, catalogue(bus)),
        intake=Intake(pool, service.relay, store, size_limit=settings.upload_limit),
        live=LiveStreams(bus, draining),
        draining=draining,
    )


def main() -> None:
    try:
        settings = read_settings()
        made = build(settings)
        listener = listen(
            settings.http_host, settings.http_port, settings="TAGWERK_HTTP_HOST and TAGWERK_HTTP_PORT"
        )
    except TagwerkError as error:
        log.error(error.failure.cause, next_step=error.failure.next_step)
        sys.exit(1)
    server.run(made, listener)
