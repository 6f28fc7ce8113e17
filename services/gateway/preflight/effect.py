"""What a run does where, as whom, and for whom: told before it is started. Pure."""

from services.gateway.preflight.facts import Wanted
from services.gateway.preflight.findings import Effect
from services.gateway.preflight.sayings import N_, Saying, Told, english
from shared.requests import effective_principal
from shared.words import Danger

_DANGERS = {
    Danger.EXTERNAL_BOOKING: N_("It books outside of Tagwerk, which cannot be taken back here."),
    Danger.DESTRUCTIVE: N_("It destroys something, which cannot be taken back."),
}


def effect_in_words(wanted: Wanted) -> tuple[Saying, ...]:
    """The effect as sentences."""
    entry = wanted.entry
    works_as = effective_principal(entry, wanted.asking.id)
    if wanted.dry_run:
        return (
            Saying.of(
                N_("Writes nothing. It tells what would be written: %(output)s."),
                output=_clause(entry.output),
            ),
            _works_as(wanted, works_as),
        )
    said = [
        Saying.of(N_("Writes %(output)s."), output=_clause(entry.output)),
        Saying.of(N_("Expected: %(expected)s."), expected=_clause(entry.expected_result)),
        _works_as(wanted, works_as),
    ]
    if entry.danger is not None:
        said.append(Saying.of(_DANGERS[entry.danger]))
    return tuple(said)


def _works_as(wanted: Wanted, works_as: str) -> Saying:
    asking, client = wanted.asking.id, wanted.client
    if client is None:
        return Saying.of(N_("It works as %(user)s."), user=works_as)
    if works_as == asking:
        return Saying.of(
            N_("It works as you, %(user)s, for client %(client)s."), user=works_as, client=client
        )
    return Saying.of(
        N_("It works as the service user %(user)s on behalf of %(asking)s, for client %(client)s."),
        user=works_as,
        asking=asking,
        client=client,
    )


def _clause(words: str) -> Told:
    return Told(words.strip().rstrip("."))


def effect_of(wanted: Wanted) -> Effect:
    """The effect as data."""
    entry = wanted.entry
    works_as = effective_principal(entry, wanted.asking.id)
    return Effect(
        words=english(effect_in_words(wanted)) or "",
        output=entry.output,
        expected_result=entry.expected_result,
        locations=[] if wanted.dry_run else entry.locations,
        systems=entry.systems,
        client=wanted.client,
        principal=wanted.asking.id,
        effective_principal=works_as,
        elevates=works_as != wanted.asking.id,
        danger=entry.danger,
        dry_run=wanted.dry_run,
    )
