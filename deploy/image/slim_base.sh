#!/bin/sh
# Take out of the base image what a service never runs: package managers, Perl, tools for disks, pip, and what of the
# libraries only those use. libc, a shell with its tools and Python stay, and for scanners the list of what there is.
set -eu

rm -rf /etc/apt /usr/bin/apt* /usr/lib/apt /usr/lib/*/libapt-* /var/lib/apt /var/cache/* /var/log/* \
    /usr/bin/gpgv /usr/share/keyrings /usr/lib/*/libgnutls* /usr/lib/*/libunistring* /usr/lib/*/libgcrypt* \
    /usr/lib/*/libp11-kit* /usr/lib/*/libsystemd* \
    /usr/bin/dpkg* /usr/bin/openssl /usr/bin/localedef /usr/lib/*/libkrb5* /usr/lib/*/libgssapi* /usr/lib/*/libk5crypto* \
    /usr/lib/*/libdb-* \
    /usr/bin/perl* /usr/lib/*/perl* /usr/share/perl* /usr/share/debconf /usr/bin/bash /usr/share/bash-completion \
    /usr/sbin/*e2* /usr/sbin/debugfs /usr/sbin/mk* /usr/sbin/fsck* /usr/lib/*/libext2fs* \
    /usr/lib/*/gconv /usr/lib/*/libmvec* /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale \
    /usr/share/lintian /usr/share/gcc /usr/include /usr/local/include
find /var/lib/dpkg/info -type f ! -name '*.list' -delete

# Zones come with the wheel tzdata.
rm -rf /usr/share/zoneinfo
rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/2to3* /usr/bin/pip* /usr/share/python-wheels \
    /usr/share/python3 /usr/lib/python3/dist-packages
for python in /usr/lib/python3.* /usr/local/lib/python3.*; do
    rm -rf "$python"/ensurepip "$python"/idlelib "$python"/lib2to3 "$python"/pydoc_data "$python"/tkinter \
        "$python"/turtledemo "$python"/test "$python"/distutils "$python"/config-* "$python"/site-packages
done
# Kept elsewhere, for the modules that are used.
find /usr/lib/python3* /usr/local/lib/python3* -name __pycache__ -prune -exec rm -rf {} +
