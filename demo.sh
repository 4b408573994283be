#!/bin/sh
# Builds vrrpd and shows what it is for, on a virtual LAN: ./demo.sh, as root on Debian 12. See tests/demo/demo.py.
set -eu
cd "$(dirname "$0")"

if [ "$(id -u)" != 0 ]; then
    echo "demo.sh: the virtual LAN is made of network namespaces, which need root" >&2
    exit 1
fi
scripts/install-deps.sh demo

build=build-demo
[ -f $build/build.ninja ] || meson setup $build -Ddebug=false -Dunity=on -Dunity_size=6 -Dtests=system >$build.log 2>&1 || {
    cat $build.log >&2
    exit 1
}
rm -f $build.log
echo "Building (about two minutes the first time, on two idle cores) ..."
ninja -C $build --quiet vrrpd/vrrpd tests/prober/prober
exec /usr/bin/python3 tests/demo/demo.py --build $build "$@"
