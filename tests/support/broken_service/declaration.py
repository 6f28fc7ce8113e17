"""What the broken service asks of the bus: nothing."""

from shared.declaration import Declaration

DECLARATION = Declaration("broken")
