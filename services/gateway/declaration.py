from shared.declaration import Declaration

DECLARATION = Declaration("gateway", listens=("event.document.uploaded",))
