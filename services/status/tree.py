"""Where a run came from, and what came of it: the runs that caused each other, and reruns, as a tree."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from services.status import reading
from services.status.progress import Progress
from services.status.queries import Queries, within
from shared.commands import RunNode, RunSummary, RunTree, Scope, TreeQuery
from shared.database import Pool
from shared.paging import Conditions

#: Levels that are shown above a run, and below the topmost one.
LEVELS_UP = 8
LEVELS_DOWN = 12
#: Runs that are shown of those that one run led to, and of all.
CHILDREN = 20
NODES = 300

How = Literal["caused", "rerun"]


@dataclass(slots=True)
class _Node:
    run: RunSummary
    how: How | None = None
    children: list["_Node"] = field(default_factory=list)
    more: bool = False

    def told(self) -> RunNode:
        children = sorted(self.children, key=lambda child: (child.run.requested_at, child.run.run_id))
        return RunNode(
            run=self.run, how=self.how, children=[child.told() for child in children], more=self.more
        )


class Trees:
    def __init__(self, pool: Pool, queries: Queries, progress: Progress) -> None:
        self._pool = pool
        self._queries = queries
        self._progress = progress

    async def tree(self, query: TreeQuery) -> RunTree:
        await self._progress.reach(query.at_least)
        row = await self._queries.run_row(query.run_id, query.scope, reading.SUMMARY)
        top = _Node(reading.summary(row))
        known = {query.run_id: top}
        for _ in range(LEVELS_UP):
            parent = await self._parent(top.run, query.scope)
            if parent is None or parent.run_id in known:
                break
            top.how = _how(top.run, parent.run_id)
            top = known[parent.run_id] = _Node(parent, children=[top])
        await self._grow(top, known, query.scope)
        return RunTree(root=top.told())

    async def _parent(self, run: RunSummary, scope: Scope) -> RunSummary | None:
        """The run that it is a rerun of, or that caused it; None if the asker may not see it."""
        id = run.rerun_of or (run.cause.run_id if run.cause is not None else None)
        if id is None:
            return None
        where = Conditions()
        where.add("r.run_id = {}", id)
        within(where, scope)
        row = await self._pool.fetchrow(
            f"select {reading.SUMMARY} from runs r where {where.sql}",  # noqa: S608
            *where.arguments,
        )
        return None if row is None else reading.summary(row)

    async def _grow(self, top: _Node, known: dict[UUID, _Node], scope: Scope) -> None:
        """Add what the runs led to. The way down to the run that is asked for is there, and stays, however
        many came before it."""
        level = [top]
        for depth in range(LEVELS_DOWN + 1):
            if not level:
                return
            for parent, run in await self._children([node.run.run_id for node in level], scope):
                node = known[parent]
                if run.run_id in known:
                    continue
                if depth == LEVELS_DOWN or len(node.children) >= CHILDREN or len(known) >= NODES:
                    node.more = True
                    continue
                child = known[run.run_id] = _Node(run, _how(run, parent))
                node.children.append(child)
            level = [child for node in level for child in node.children]

    async def _children(self, parents: Sequence[UUID], scope: Scope) -> list[tuple[UUID, RunSummary]]:
        where = Conditions()
        ids = where.argument(parents)
        within(where, scope)
        each = " union all ".join(
            f"(select r.run_id, r.requested_at from runs r where r.{column} = parent.id and {where.sql}"  # noqa: S608
            f" order by r.requested_at, r.run_id limit {CHILDREN + 1})"
            for column in ("cause_run", "rerun_of")
        )
        rows = await self._pool.fetch(
            f"select parent.id as parent, {reading.SUMMARY} from unnest({ids}::uuid[]) as parent (id)"  # noqa: S608
            f" cross join lateral ({each}) child join runs r on r.run_id = child.run_id"
            " order by r.requested_at, r.run_id",
            *where.arguments,
        )
        return [(row["parent"], reading.summary(row)) for row in rows]


def _how(run: RunSummary, parent: UUID) -> How:
    return "rerun" if run.rerun_of == parent else "caused"
