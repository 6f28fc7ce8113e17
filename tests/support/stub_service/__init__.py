"""A service without work: it connects as the stack tells it, says that it is ready, and ends on SIGTERM."""
