#!/bin/sh
# The manual pages that are named: groff has nothing to say of them, and every key and command is there.
#   check_man.sh PRINT_REFERENCE VRRPCTL
set -u
page=$(mktemp) && words=$(mktemp) && trap 'rm -f "$page" "$words"' EXIT
failed=0

formatted() {
    said=$(man -l --warnings=w -E UTF-8 "$1" 2>&1 >"$words")
    [ -z "$said" ] || { printf '%s\n' "$1" "$said"; failed=1; }
    [ -s "$words" ] || { echo "$1: nothing was printed"; failed=1; }
}
named() {
    grep -qw -- "$1" "$words" || { echo "$2: $1 is missing"; failed=1; }
}

export MANWIDTH=100 MAN_KEEP_FORMATTING=
"$1" --man >"$page"
formatted "$page"
for key in $("$1" | sed -n 's/^| `\([a-z_]*\)`.*|.*|.*|.*|$/\1/p'); do named "$key" 'vrrpd.ini(5)'; done
formatted etc/man/vrrpd.8
formatted etc/man/vrrpctl.8
for command in $("$2" --help | sed -n '/^Subcommands/,$s/^  \([a-z]*\) .*/\1/p'); do named "$command" 'vrrpctl(8)'; done
exit $failed
