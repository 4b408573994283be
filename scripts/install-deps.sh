#!/bin/sh
# Installs what a purpose needs and this machine lacks: scripts/install-deps.sh build|demo|package|test
#
# Debian 12, from a minimal system on. Says nothing when nothing is missing. The services of installed packages are
# not started: the programs are needed, not a memcached on this machine's own address.
set -eu

build_packages="g++ meson ninja-build pkg-config libnl-3-dev libnl-route-3-dev libinih-dev libspdlog-dev libfmt-dev
    libsystemd-dev libcli11-dev libexpected-dev libgtest-dev nlohmann-json3-dev"
demo_packages="iproute2 memcached nutcracker python3 tcpdump util-linux"
package_packages="build-essential debhelper dpkg-dev git lintian systemd"
test_packages="bash clang clang-format frr groff-base haproxy iputils-ping keepalived libclang-rt-14-dev man-db nftables
    polkitd procps prometheus python3-memcache python3-redis python3-scapy redis-sentinel redis-server rsyslog systemd
    systemd-container tshark"

say() { echo "install-deps: $*" >&2; }

case ${1-} in
build) wanted=$build_packages ;;
demo) wanted="$build_packages $demo_packages" ;;
package) wanted="$build_packages $package_packages" ;;
test) wanted="$build_packages $demo_packages $package_packages $test_packages" ;;
*)
    echo "usage: $0 build|demo|package|test" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "no apt-get here; this is made for Debian 12. Needed:" $wanted
    exit 1
fi

missing=
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    say "not root, and these packages are missing:$missing"
    exit 1
fi

policy=/usr/sbin/policy-rc.d
made_policy=
masked=

allow_services() {
    [ -z "$made_policy" ] || rm -f "$policy"
    [ -z "$masked" ] || systemctl --quiet unmask --runtime $masked 2>/dev/null || true
}

# Where systemd runs, masks in /run do it, which even a crash of ours leaves no longer than to the next boot.
forbid_services() {
    if [ -d /run/systemd/system ]; then
        for service in memcached nutcracker keepalived frr haproxy redis-server redis-sentinel rsyslog prometheus; do
            case " $missing " in
            *" $service "*) masked="$masked $service.service" ;;
            esac
        done
        [ -z "$masked" ] || systemctl --quiet mask --runtime $masked 2>/dev/null || true
    elif [ ! -e "$policy" ]; then
        made_policy=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
}

log=$(mktemp)
trap 'allow_services; rm -f "$log"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 </dev/null
}

# Package lists that are absent or too old make the first try fail: only then are they fetched.
install_missing() {
    apt install --no-install-recommends $missing && return
    apt update && apt install --no-install-recommends $missing
}

say "installing:$missing"
forbid_services
if ! install_missing; then
    tail -n 15 "$log" >&2
    say "apt could not install:$missing"
    exit 1
fi
