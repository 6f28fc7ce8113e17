from shared.declaration import Declaration

DECLARATION = Declaration("gateway")
