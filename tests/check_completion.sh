#!/bin/bash
# The completion for bash offers the commands that vrrpctl has, and no other; and of the names of the instances those that
# begin as what is typed does, letter by letter. First argument: vrrpctl.
set -e
. etc/bash-completion/vrrpctl
COMP_WORDS=(vrrpctl "")
COMP_CWORD=1
_vrrpctl
has=$("$1" --help | sed -n '/^Subcommands:/,$ s/^  \([a-z]\+\) .*/\1/p' | sort)
[ -n "$has" ]
diff <(echo "$has") <(printf '%s\n' "${COMPREPLY[@]}" | grep -v '^-' | sort)

fake=$(mktemp -d)
trap 'rm -r "$fake"' EXIT
cat >"$fake/vrrpctl" <<'END'
#!/bin/sh
echo '# TYPE vrrpd_instance_priority gauge'
echo 'vrrpd_instance_priority{vrrp_instance="VI_1"} 200'
echo 'vrrpd_instance_priority{vrrp_instance="VI_$(echo 2)"} 100'
echo 'vrrpd_instance_priority{vrrp_instance="OTHER"} 100'
echo 'vrrpd_instance_drained{vrrp_instance="VI_1"} 0'
END
chmod +x "$fake/vrrpctl"
PATH=$fake:$PATH
COMP_WORDS=(vrrpctl failover VI)
COMP_CWORD=2
_vrrpctl
diff <(printf '%s\n' VI_1 'VI_$(echo 2)') <(printf '%s\n' "${COMPREPLY[@]}")
