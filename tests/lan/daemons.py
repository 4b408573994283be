"""The two failover daemons as things that start, stop and tell their state: vrrpd, and keepalived beside it."""

import datetime
import re

from tests.lan.watched import Process

VIP, VIP_2 = "192.168.30.16", "192.168.30.17"
VIP_PORT = 12000
MEMCACHED_PORT = 11211
INSTANCE = "VI_1"

# The proxy must be more patient than the check of memcached: a hung memcached is no fault of the proxy.
PROXY_YML = f"""memcached:
  listen: {VIP}:{VIP_PORT}
  hash: fnv1a_64
  distribution: ketama
  timeout: 2000
  server_failure_limit: 1
  auto_eject_hosts: false
  servers:
    - 127.0.0.1:{MEMCACHED_PORT}:1
"""

_VRRPD = """[global]
router_id = {name}
log_target = stderr

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
version = {version}
advert_int = 1s
priority = {priority}
nopreempt = {nopreempt}
virtual_ipaddress = 192.168.30.16/24
track_check = memcached
service = proxy
{instance_extra}
[check memcached]
type = memcached
address = 127.0.0.1:11211
interval = 500ms
timeout = 300ms
fall = 2
rise = 2

[check proxy_answers]
type = memcached
address = 192.168.30.16:12000
interval = 1s
timeout = 1s
fall = 2

[service proxy]
command = {proxy_command}
user = nutcracker
listen = 192.168.30.16:12000
check = proxy_answers
"""

_KEEPALIVED = """global_defs {{
    router_id {name}
    script_user root
    vrrp_version 2
    vrrp_rt_priority 50
    vrrp_no_swap
}}

vrrp_script memcached {{
    script "/etc/vrrpd/{check}"
    interval {check_interval}
    timeout 1
    fall 1
    rise 1
}}

vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    advert_int 1
    priority {priority}
    {nopreempt}
    virtual_ipaddress {{
        192.168.30.16/24
    }}
    track_script {{
        memcached
    }}
    notify_master "/etc/vrrpd/proxy start"
    notify_backup "/etc/vrrpd/proxy stop"
    notify_fault "/etc/vrrpd/proxy stop"
    notify_stop "/etc/vrrpd/proxy stop"
}}
"""

_CHECK_CONNECT = f"""#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{MEMCACHED_PORT}
"""

_CHECK_VERSION = _CHECK_CONNECT.rstrip() + """ || exit 1
printf 'version\\r\\n' >&3
IFS= read -r -t 0.3 line <&3 || exit 1
[[ $line == VERSION* ]]
"""

_PROXY_SCRIPT = """#!/bin/sh
case $1 in
start) exec nutcracker -d -c /etc/vrrpd/proxy.yml -a 127.0.0.1 -p /run/proxy.pid -o /run/proxy.log ;;
stop) [ ! -f /run/proxy.pid ] || kill "$(cat /run/proxy.pid)"; rm -f /run/proxy.pid ;;
esac
"""

NUTCRACKER = "/usr/sbin/nutcracker -c /etc/vrrpd/proxy.yml -a 127.0.0.1"


def vrrpd_ini(name, priority, nopreempt=True, version=2, proxy_command=NUTCRACKER, instance_extra=""):
    """The S1 configuration of one host, with what the tests vary."""
    return _VRRPD.format(name=name, priority=priority, nopreempt="yes" if nopreempt else "no", version=version,
                         proxy_command=proxy_command, instance_extra=instance_extra)


def write_script(path, text):
    path.write_text(text, encoding="ascii")
    path.chmod(0o755)


class Daemon:
    """One daemon on one host; may be started, stopped and started again, its log goes on."""

    program = ""

    def __init__(self, host, proxy=PROXY_YML):
        """`proxy`: the text of proxy.yml, or None for a host that brings its own files."""
        self.host = host
        self.process: Process | None = None
        self._starts = 0
        self._begin = 0  # where in the log the lines of the latest start begin
        if proxy is not None:
            (host.etc / "proxy.yml").write_text(proxy, encoding="utf-8")

    def argv(self):
        raise NotImplementedError

    @property
    def log(self):
        return self.process.log

    def start(self):
        """Returns the mark in the log from which this start's lines are."""
        self._starts += 1
        # Another daemon may have written to the same file before us.
        log = self.host.folder / f"{self.program}.log"
        self._begin = log.stat().st_size if log.exists() else 0
        self.process = self.host.start(self.program, self.argv())
        return self._begin

    def stop(self):
        self.process.stop(5)

    def wait_state(self, state, timeout, since=None, instance=INSTANCE):
        """Without `since`: counted from the latest start."""
        since = self._begin if since is None else since
        return self.process.wait_for_line(rf"\({instance}\) Entering {state} STATE", timeout, since)

    def wait_ready(self, timeout, since):
        """Backup, and its check has spoken: from here on it may take over."""
        self.wait_state("BACKUP", timeout, since)
        self.process.wait_for_line(r"(Check|VRRP_Script)\(memcached\) succeeded", timeout, since)

    def wait_settled(self, state, timeout, instance=INSTANCE):
        """Until the newest state is this one."""
        self.log.until(lambda: self.states(instance=instance)[-1:] == [state], timeout, f"{state} as the newest state",
                       self.process.running)

    def states(self, since=0, instance=INSTANCE):
        """The states that were entered, in order."""
        return re.findall(rf"\({instance}\) Entering (\w+) STATE", self.log.text(since))


class Vrrpd(Daemon):
    program = "vrrpd"

    def __init__(self, host, binary, ini, proxy=PROXY_YML):
        super().__init__(host, proxy)
        self._binary = binary
        self.configure(ini)

    def configure(self, ini):
        """What the next start, or reload, reads."""
        (self.host.etc / "vrrpd.ini").write_text(ini, encoding="utf-8")

    def argv(self):
        return [self._binary, "-c", "/etc/vrrpd/vrrpd.ini"]


class Keepalived(Daemon):
    program = "keepalived"

    def __init__(self, host, priority, nopreempt=True, check_interval=1, check="version"):
        super().__init__(host)
        write_script(host.etc / "version", _CHECK_VERSION)
        write_script(host.etc / "connect", _CHECK_CONNECT)
        write_script(host.etc / "proxy", _PROXY_SCRIPT)
        (host.etc / "keepalived.conf").write_text(_KEEPALIVED.format(
            name=host.name, priority=priority, nopreempt="nopreempt" if nopreempt else "", check=check,
            check_interval=check_interval), encoding="ascii")

    def argv(self):
        pid_files = f"/run/keepalived-{self._starts}"
        return ["keepalived", "-n", "-l", "-P", "-f", "/etc/vrrpd/keepalived.conf", "-p", f"{pid_files}.pid",
                "-r", f"{pid_files}-vrrp.pid"]


def time_of(line):
    """CLOCK_REALTIME nanoseconds of a vrrpd log line, or None: `2026-11-21T06:10:28.123456Z notice ...`."""
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z ", line)
    if not match:
        return None
    moment = datetime.datetime.fromisoformat(match[1]).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * 10**9 + int(match[2]) * 1000
