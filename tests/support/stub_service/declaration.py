"""What the stub asks of the bus: nothing."""

from shared.declaration import Declaration

DECLARATION = Declaration("stub")
