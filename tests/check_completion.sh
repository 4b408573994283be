#!/bin/bash
# The completion for bash offers the commands that vrrpctl has, and no other. First argument: vrrpctl.
set -e
. etc/bash-completion/vrrpctl
COMP_WORDS=(vrrpctl "")
COMP_CWORD=1
_vrrpctl
has=$("$1" --help | sed -n '/^Subcommands:/,$ s/^  \([a-z]\+\) .*/\1/p' | sort)
[ -n "$has" ]
diff <(echo "$has") <(printf '%s\n' "${COMPREPLY[@]}" | grep -v '^-' | sort)
