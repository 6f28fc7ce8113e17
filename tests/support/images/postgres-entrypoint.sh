#!/bin/sh
# In short what that of the official image does: make the cluster at the first start, then run the server. It is
# started as the account of the server; the official one also starts as root and changes to it.
set -e
if [ "${1#-}" != "$1" ]; then
    set -- postgres "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -n "$POSTGRES_PASSWORD_FILE" ]; then
        POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    : "${POSTGRES_PASSWORD:?or POSTGRES_PASSWORD_FILE}"
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    umask 077
    printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
    # shellcheck disable=SC2086
    initdb --username=postgres --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8 --locale=C \
        --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions $POSTGRES_INITDB_ARGS
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    echo "unix_socket_directories = '/var/run/postgresql'" >>"$PGDATA/postgresql.conf"
fi
unset POSTGRES_PASSWORD
exec "$@"
