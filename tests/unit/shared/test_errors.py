import pickle

import asyncpg

from shared.errors import CredentialsRejected, ExternalSystemUnavailable, failure_of, foremost


def test_a_failure_of_ours_says_what_it_was_raised_with() -> None:
    failure = failure_of(ExternalSystemUnavailable("bank", "it answered 503"))
    assert (failure.code, failure.concern, failure.retryable) == ("external_system_unavailable", "bank", True)
    assert failure.origin is None


def test_an_unknown_exception_is_reported_with_type_message_and_place() -> None:
    try:
        raise ValueError("the moon is full")
    except ValueError as error:
        failure = failure_of(error)
    assert failure.code == "unexpected_error"
    assert failure.cause == "the moon is full"
    assert failure.origin is not None
    assert failure.origin.startswith("ValueError at unit/shared/test_errors.py:")


def test_the_innermost_cause_is_told() -> None:
    error = RuntimeError("could not save")
    error.__cause__ = OSError("disk on fire")
    assert failure_of(error).cause == "could not save: disk on fire"


def test_a_database_that_is_away_is_told_from_a_mistake_in_a_statement() -> None:
    gone = (
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
    )
    assert [failure_of(error).code for error in gone] == ["database_unavailable"] * len(gone)
    assert all(failure_of(error).retryable for error in gone)
    assert failure_of(asyncpg.UndefinedTableError("no such table")).code == "unexpected_error"


def test_an_error_survives_the_way_between_processes() -> None:
    error = CredentialsRejected("bank", "it answered 401")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is CredentialsRejected
    assert again.failure == error.failure


def test_of_several_failures_the_first_that_passes_goes_first() -> None:
    for_good = [CredentialsRejected("bank", "no"), CredentialsRejected("post", "no")]
    passing = [ExternalSystemUnavailable("bank", "away"), ExternalSystemUnavailable("post", "away")]
    assert foremost([*for_good, *passing]) is passing[0]
    assert foremost(for_good) is for_good[0]
