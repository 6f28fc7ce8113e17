#!/usr/bin/env bash
# Stand-ins for the base images of compose, on a machine with a Docker engine that reaches no registry.
#
#     MIRROR=<a mirror of Debian> PYTHON=.venv/bin/python tests/support/images/make.sh [FOLDER]
#
# They are tagged with the names that Dockerfile and docker-compose.yml ask for, and behave like the official images
# in what those use: entry points, users, paths, health tools. Python is Debian's; nats-server and PostgreSQL are
# the ones of the wheels that `make up` runs. Needs root and debootstrap. For tests only: pin the official ones.
set -euo pipefail

folder=${1:-$(mktemp -d)}
mirror=${MIRROR:?a mirror of Debian}
python=${PYTHON:-.venv/bin/python}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A root with these packages, without what the official images leave out as well.
make_root() {
    local root=$1 packages=$2
    [ -e "$root/.made" ] && return
    rm -rf "$root"
    debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror" >"$root.log" 2>&1
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

# Like postgres:18: the account postgres (999), data below /var/lib/postgresql, POSTGRES_PASSWORD(_FILE).
make_postgres() {
    local root=$folder/postgres
    make_root "$root" ca-certificates,tzdata
    grep -q ^postgres: "$root/etc/passwd" || chroot "$root" useradd --uid 999 --home-dir /var/lib/postgresql postgres
    install -d -o 999 -g 999 -m 1777 "$root/var/lib/postgresql"
    install -d -o 999 -g 999 -m 3777 "$root/var/run/postgresql"
    cp -a "$("$python" -c 'from deploy.local.postgres_home import wheel_binaries; print(wheel_binaries())')/." \
        "$root/usr/local/"
    install -m 755 "$here/postgres-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
    tar -C "$root" --exclude=./.made -c . | docker import --change 'ENV PGDATA=/var/lib/postgresql/18/docker' \
        --change 'VOLUME /var/lib/postgresql' --change 'EXPOSE 5432' \
        --change 'ENTRYPOINT ["docker-entrypoint.sh"]' --change 'CMD ["postgres"]' - postgres:18
}

make_python
make_nats
make_postgres
