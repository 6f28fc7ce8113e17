"""Whether a service lives, has started and can do its work; its version and metrics: on a port of its own."""
