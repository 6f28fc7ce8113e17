#!/bin/sh
# Put the locked wheels of a list into the virtual environment of the image, without what nothing reads: symbols for
# debuggers, headers, tests, stubs for editors, and what is told in other languages than those of the pages.
set -eu

/opt/tools/bin/pip --python /opt/tagwerk/bin/python install --quiet --no-compile --require-hashes -r "$1"

cd /opt/tagwerk/lib/python3*/site-packages
find . -type f \( -name '*.so' -o -name '*.so.[0-9]*' \) -exec strip --strip-unneeded {} +
find . -type d \( -name tests -o -name test -o -name __pycache__ \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete
# Numbers and dates of 1,000 regions, names of holidays in 60 languages, schemas of orders.
find babel/locale-data -name '*.dat' ! -name 'root.dat' ! -name 'de*' ! -name 'en*' ! -name 'fr*' ! -name 'it*' -delete
find holidays/locale -mindepth 1 -maxdepth 1 ! -name 'de*' ! -name 'en*' ! -name 'fr*' ! -name 'it*' -exec rm -r {} +
rm -rf facturx/xsd_and_schematron/orderx-*
