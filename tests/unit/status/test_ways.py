"""The way to the runs of a list: the cheapest one, by what the conditions leave."""

from services.status.ways import Condition, OfJob, Sizes, Way, choose

NEED = 51


def sizes(*conditions: Condition, jobs: dict[str, tuple[int, int]] | None = None, **more: float) -> Sizes:
    """A million runs of three jobs, all of which match if nothing else is said."""
    of_job = jobs or {"a": (900_000, 900_000), "b": (90_000, 90_000), "c": (10_000, 10_000)}
    fields = {"share": 1.0, "period": 1.0, **more}
    return Sizes(1_000_000, {job: OfJob(*n) for job, n in of_job.items()}, conditions, **fields)  # type: ignore[arg-type]


def test_the_newest_of_all_are_read_through_the_index_of_the_time() -> None:
    assert choose("-requested_at", sizes(), NEED) == Way()


def test_nothing_is_read_where_the_totals_know_of_nothing() -> None:
    assert choose("-requested_at", Sizes(1_000_000, {}, ()), NEED) is None


def test_a_rare_state_is_read_through_its_index() -> None:
    failed = Condition("state", ("failed",), 200)
    found = choose("-requested_at", sizes(failed, jobs={"a": (900_000, 150), "b": (90_000, 50)}), NEED)
    assert found == Way("state", ("failed",))


def test_a_state_that_nearly_all_have_is_left_to_the_index_of_the_time() -> None:
    succeeded = Condition("state", ("succeeded",), 950_000)
    jobs = {"a": (900_000, 860_000), "b": (90_000, 80_000), "c": (10_000, 10_000)}
    found = choose("-requested_at", sizes(succeeded, jobs=jobs), NEED)
    assert found in (Way(), Way("state", ("succeeded",)))


def test_small_clients_are_read_one_by_one_and_merged() -> None:
    clients = Condition("client", ("x", "y", "z"), 300)
    found = choose("-requested_at", sizes(clients, jobs={"a": (900_000, 300)}), NEED)
    assert found == Way("client", ("x", "y", "z"))


def test_who_sees_few_jobs_gets_theirs_although_the_client_has_everything() -> None:
    client = Condition("client", ("main",), 1_000_000)
    jobs = Condition("job", ("c",), 500)
    found = choose("-requested_at", sizes(client, jobs, jobs={"c": (500, 500)}), NEED)
    assert found == Way("job", ("c",))


def test_in_other_orders_what_few_have_is_sorted() -> None:
    client = Condition("client", ("x",), 300)
    found = choose("-finished_at", sizes(client, jobs={"a": (900_000, 300)}), NEED)
    assert found == Way("client", ("x",), sort=True)


def test_the_longest_of_a_job_are_found_in_its_own_order() -> None:
    job = Condition("job", ("b",), 90_000)
    assert choose("-duration", sizes(job, jobs={"b": (90_000, 90_000)}), NEED) == Way("job", ("b",))


def test_the_longest_of_all_are_found_in_the_order_of_durations() -> None:
    assert choose("-duration", sizes(), NEED) == Way()


def test_durations_of_what_only_some_jobs_have_are_not_taken_to_be_spread_evenly() -> None:
    failed = Condition("state", ("failed",), 1_000)
    found = choose("duration", sizes(failed, jobs={"a": (900_000, 1_000)}), NEED)
    assert found == Way("state", ("failed",), sort=True)


def test_what_many_have_is_read_in_the_order_of_each_job_and_not_from_the_table() -> None:
    failed = Condition("state", ("failed",), 30_000)
    found = choose("duration", sizes(failed, jobs={"a": (900_000, 30_000)}), NEED)
    assert found == Way("job", ("a",))


def test_the_last_to_end_of_a_job_are_found_in_its_own_order() -> None:
    job = Condition("job", ("c",), 10_000)
    assert choose("-finished_at", sizes(job, jobs={"c": (10_000, 8_000)}), NEED) == Way("job", ("c",))


def test_ends_before_a_time_are_not_looked_for_from_the_newest_on() -> None:
    period = Condition(None, (), 5_000)
    found = choose("-finished_at", sizes(period, share=0.005, period=0.005, before=True), NEED)
    assert found == Way(None, (), sort=True)


def test_in_the_order_of_jobs_they_are_read_job_by_job() -> None:
    assert choose("job", sizes(), NEED) == Way("job", ("a", "b", "c"))
