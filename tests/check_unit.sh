#!/bin/sh
# The unit says nothing that systemd does not know, and its exposure is at most 2.8, as `systemd-analyze security` counts.
#   tests/check_unit.sh UNIT
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What it starts, whom it runs as and its manual need not be on this machine.
sed -e 's,^\(Exec[A-Za-z]*\)=.*,\1=/bin/true,' -e '/^User=/d' -e '/^Group=/d' "$1" >"$work/vrrpd.service"
told=$(systemd-analyze verify --man=no --recursive-errors=no "$work/vrrpd.service" 2>&1) || { echo "$told"; exit 1; }
[ -z "$told" ] || { echo "$told"; exit 1; }
cp "$1" "$work/vrrpd.service"
told=$(systemd-analyze security --offline=true --threshold=28 "$work/vrrpd.service") || { echo "$told"; exit 1; }
echo "$told" | tail -n 1
