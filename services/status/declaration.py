from shared import subjects
from shared.declaration import BusUse, Declaration

#: It reads RUNS with a consumer of its own making, from its own checkpoint, so it has no durable.
DECLARATION = Declaration(
    "status", bus=BusUse(follows=((subjects.PROJECTOR, subjects.RUNS),), buries=(subjects.PROJECTOR,))
)
