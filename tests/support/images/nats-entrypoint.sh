#!/bin/sh
# As that of the official image: options and configuration files go to nats-server.
set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- nats-server "$@"
fi
exec "$@"
