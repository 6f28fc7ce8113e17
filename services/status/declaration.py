from shared.declaration import Declaration

#: It reads RUNS with a consumer of its own making, from its own checkpoint, so it has no durable.
DECLARATION = Declaration("status")
