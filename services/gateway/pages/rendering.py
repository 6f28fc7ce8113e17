"""From a template and what it shows to an answer: the environment, the page around it, its headers."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Context, Macro
from markupsafe import Markup

from services.gateway.compression import compressed
from services.gateway.identity import core
from services.gateway.identity.asker import SignedIn
from services.gateway.identity.doorkeeper import CSRF_FIELD
from services.gateway.pages import words
from services.gateway.pages.formats import Formats
from services.gateway.pages.languages import job_text, message, spoken_text, translations
from services.gateway.pages.navigation import Place, menu
from services.gateway.pages.preferences import LANGUAGES, THEMES, Language, Preferences, preferences_of
from services.gateway.pages.remembered import Rows
from services.gateway.pages.schedules.usual import schedule_of
from services.gateway.pages.static_files import static_files
from services.gateway.pages.step_words import step_words
from services.gateway.problems import trace_of
from shared.access import Principal
from shared.sentences.translating import sentence_in
from shared.service import SOFTWARE_VERSION

TEMPLATES = Path(__file__).parent / "templates"

#: No code inside a page, nothing from elsewhere.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Under `no-referrer` browsers send forms with `Origin: null`, which anybody can.
    "Referrer-Policy": "same-origin",
    # Pages depend on who asks and what they prefer.
    "Cache-Control": "no-store",
}


class _Context(Context):
    """Calls what pages call most without the detour of the general case, which costs more than the calls."""

    def call(self, obj: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if type(obj) in _PLAIN and getattr(obj, "jinja_pass_arg", None) is None:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return obj(*args, **kwargs)
        return super().call(obj, *args, **kwargs)


#: Macros escape as the environment does, which is all that they would be told.
_PLAIN = (FunctionType, MethodType, Macro)


@cache
def environment(language: Language) -> Environment:
    """All templates, speaking one language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.context_class = _Context
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {
        # Said hundreds of times in a page: without the detour through the context that the extension takes.
        "_": lambda text, /, **values: message(language, text) % values,
        "static": static_files().path,
        "job_text": lambda text: _job_text(language, text),
        "service_text": lambda text, at_most=None: _service_text(language, text, at_most),
        "service_sentence": lambda text: _service_text(language, text, begins=True),
        "step_words": lambda kind, text: step_words(language, kind, text),
        "job_sentence": lambda text: _job_text(language, text, begins=True),
        "words": words,
        "languages": LANGUAGES,
        "themes": THEMES,
        "version": SOFTWARE_VERSION,
        "link": link,
        "schedule_of": schedule_of,
    }
    return made


@lru_cache(20_000)
def _job_text(language: Language, text: str, *, begins: bool = False) -> Markup:
    """Marked as English where there is no translation; with a capital letter where it `begins` a line."""
    translated, spoken = job_text(language, text)
    if begins:
        translated = translated[:1].upper() + translated[1:]
    return spoken_text(translated, spoken)


def _service_text(
    language: Language, text: str, at_most: int | None = None, *, begins: bool = False
) -> Markup:
    """Marked as English where there is no translation; cut where it has more than `at_most` characters;
    with a capital letter where it `begins` a line with a word, which a name such as `x.y` is not."""
    said, spoken = sentence_in(language, text)
    if begins and said.partition(" ")[0].isalpha():
        said = said[0].upper() + said[1:]
    if at_most is not None and len(said) > at_most:
        said = said[: at_most - 1] + "…"
    return spoken_text(said, spoken)


def link(path: str, /, **parameters: Any) -> str:
    """A path with those parameters that have a value; a list gives one several times."""
    given = {name: value for name, value in parameters.items() if value not in (None, "", [])}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


#: What templates write with `remembered(macro, row, key)`.
_ROWS = Rows()


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: who asks, and how they want to read."""

    request: Request
    preferences: Preferences
    #: None where nobody is signed in.
    principal: Principal | None

    @classmethod
    def of(cls, request: Request, principal: Principal | None, default_zone: str) -> "Visit":
        wanted = request.headers.get("accept-language", "")
        return cls(request, preferences_of(request.cookies, wanted, default_zone), principal)

    @property
    def here(self) -> str:
        """This page, with its parameters: where to come back to."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def csrf_token(self) -> str | None:
        """For forms and scripts; None where no session is behind the page."""
        session: SignedIn | None = getattr(self.request.state, "session", None)
        return None if session is None else core.csrf_token(session.secret)

    def page(
        self,
        template: str,
        *,
        trail: tuple[Place, ...] = (),
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **shown: Any,
    ) -> HTMLResponse:
        """`shown` is what the template knows besides the page around it; `trail` leads back to the start."""
        csrf_token = self.csrf_token
        formats = Formats(self.preferences, datetime.now(UTC))
        reader = (template, self.preferences)

        def remembered(write: Any, shown: object, key: Hashable) -> Markup:
            """What the macro `write` makes of `shown`; `key` is all that it depends on besides the reader."""
            return _ROWS.row((reader, write.name, key), write, shown)

        text = environment(self.preferences.language).get_template(template).render(
            visit=self,
            preferences=self.preferences,
            formats=formats,
            remembered=remembered,
            menu=menu(self.principal, self.request.url.path),
            trail=trail,
            trace_id=trace_of(self.request).trace_id,
            csrf_token=csrf_token,
            csrf_field=lambda: _csrf_field(csrf_token),
            **shown,
        )  # fmt: skip
        return compressed(HTMLResponse(text, status, {**_HEADERS, **(headers or {})}), self.request)


def _csrf_field(token: str | None) -> Markup:
    """Belongs into every form that changes something."""
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return Markup() if token is None else field.format(CSRF_FIELD, token)
