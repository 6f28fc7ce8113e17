"""kill -9 right before and right after every store, publish and effect.

The points are found by instrumentation (`points.py`), not by hope; `sweep.py` runs a scenario once for each
of them. A new scenario is one file in `tests/faults/<service>/`:

    async def cause(scene: Scene) -> None:
        await scene.files.put("inbox/statement.xml", STATEMENT)
        await scene.request("integrations.import-bank-statements", file="statement.xml")

    SCENARIO = Scenario(
        dies="integrations",
        cause=cause,
        expects=("commit integrations.statements.PostgresStatements.store", "publish event.invoice.paid"),
    )

    async def test_a_kill_anywhere_in_an_import_changes_nothing(sweep: Sweep) -> None:
        await sweep(SCENARIO)

`make test` kills at a sample of the points, `make soak` at all of them, on both sides, at their first and
last passage. What counts as equal stands in `outcome.py`: final states of all runs with their records, events
of the business, audit entries, dead letters, rows of every table, files with their hashes, and whatever the
scenario sees outside (`look_outside`). Where an effect may be left in doubt, `happened` tells what a person
would find out; the harness decides by it and runs the job again. `pytest -rP` prints each kill.
"""
