#!/usr/bin/env bash
# Stand-ins for the base images of compose, on a machine with a Docker engine that reaches no registry.
#
#     MIRROR=<a mirror of Debian> PYTHON=.venv/bin/python tests/support/images/make.sh [FOLDER]
#
# They are tagged with the names that Dockerfile and docker-compose.yml ask for, and behave like the official images
# in what those use: entry points, users, paths, health tools. nats-server is that of the wheel, the rest
# is Debian's. Needs root and debootstrap. For tests only: pin the official ones.
set -euo pipefail

folder=${1:-$(mktemp -d)}
mirror=${MIRROR:?a mirror of Debian}
python=${PYTHON:-.venv/bin/python}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A root with these packages, without what the official images leave out as well.
make_root() {
    local root=$1 packages=$2 suite=${3:-bookworm}
    [ -e "$root/.made" ] && return
    rm -rf "$root"
    debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >"$root.log" 2>&1
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log \
        "$root"/usr/share/{doc,man,info,locale}/* "$root"/var/cache/debconf/*-old
    touch "$root/.made"
}

# Like python:3.11-slim-bookworm: `python` and `pip` in /usr/local/bin.
make_python() {
    local root=$folder/python
    make_root "$root" ca-certificates,python3,python3-venv,python3-pip
    ln -sf /usr/bin/python3 "$root/usr/local/bin/python"
    ln -sf /usr/bin/pip3 "$root/usr/local/bin/pip"
    rm -f "$root/usr/lib/python3.11/EXTERNALLY-MANAGED"
    tar -C "$root" --exclude=./.made -c . | docker import --change 'CMD ["python3"]' - python:3.11-slim-bookworm
}

# Like nats:2.15-alpine: a static server, BusyBox, `nats-server` before options.
make_nats() {
    local root=$folder/nats
    rm -rf "$root" && mkdir -p "$root"/{bin,etc/nats,tmp,usr/local/bin}
    cp "$("$python" -c 'from deploy.local.nats import server_binary; print(server_binary())')" \
        "$root/usr/local/bin/nats-server"
    cp /bin/busybox "$root/bin/busybox"
    for applet in sh wget cat ls; do ln -s busybox "$root/bin/$applet"; done
    install -m 755 "$here/nats-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
    tar -C "$root" -c . | docker import --change 'ENV PATH=/usr/local/bin:/bin' \
        --change 'ENTRYPOINT ["docker-entrypoint.sh"]' \
        --change 'CMD ["nats-server", "--config", "/etc/nats/nats-server.conf"]' - nats:2.15-alpine
}

# Like postgres:18: the account postgres (999), data below /var/lib/postgresql, POSTGRES_PASSWORD_FILE. That of the
# wheel speaks no TLS, so it is Debian's.
make_postgres() {
    local root=$folder/postgres
    make_root "$root" ca-certificates,postgresql-18 testing
    rm -rf "$root"/var/lib/postgresql/* "$root"/etc/postgresql/*
    sed -i -E 's/^(postgres:x):[0-9]+(:[0-9]+)?/\1:999\2/' "$root/etc/passwd" "$root/etc/group"
    sed -i -E 's/^(postgres:x:999):[0-9]+/\1:999/' "$root/etc/passwd"
    install -d -o 999 -g 999 -m 1777 "$root/var/lib/postgresql"
    install -d -o 999 -g 999 -m 3777 "$root/run/postgresql"
    install -m 755 "$here/postgres-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
    tar -C "$root" --exclude=./.made -c . | docker import --change 'ENV PGDATA=/var/lib/postgresql/18/docker' \
        --change 'ENV PATH=/usr/lib/postgresql/18/bin:/usr/local/bin:/usr/bin:/bin' \
        --change 'VOLUME /var/lib/postgresql' --change 'EXPOSE 5432' \
        --change 'ENTRYPOINT ["docker-entrypoint.sh"]' --change 'CMD ["postgres"]' - postgres:18
}

# Like eclipse-mosquitto:2.0: the account mosquitto (1883).
make_mosquitto() {
    local root=$folder/mosquitto
    make_root "$root" ca-certificates,mosquitto,mosquitto-clients
    sed -i -E 's/^mosquitto:x:[0-9]+:[0-9]+/mosquitto:x:1883:1883/' "$root/etc/passwd"
    sed -i -E 's/^mosquitto:x:[0-9]+/mosquitto:x:1883/' "$root/etc/group"
    install -d -o 1883 -g 1883 "$root"/mosquitto/{config,data,log}
    tar -C "$root" --exclude=./.made -c . | docker import --change 'ENV PATH=/usr/sbin:/usr/bin:/bin' \
        --change 'CMD ["mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]' - eclipse-mosquitto:2.0
}

for image in ${IMAGES:-python nats postgres mosquitto}; do
    "make_$image"
done
