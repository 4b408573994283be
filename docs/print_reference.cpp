// Prints docs/configuration.md, with --man vrrpd.ini(5), from the table of keys, so that neither can drift from what is
// read.
#include <iostream>
#include <sstream>
#include <string_view>

#include "docs/man_form.hpp"
#include "vrrpd/config/ini_reader.hpp"
#include "vrrpd/config/schema.hpp"

namespace {

using vrrpd::config::Key;
using vrrpd::config::Section;

constexpr auto introduction = R"(# Configuration

One INI file, `/etc/vrrpd/vrrpd.ini` (another: `vrrpd -c FILE`). It is read at the start, and again at each reload
(`systemctl reload`, `vrrpctl reload`, SIGHUP). `vrrpd --check [FILE...]` reads it without doing anything, says everything
that is wrong with it, and exits with 0 (valid), 1 (valid, with warnings) or 2 (not valid). With an error the daemon does
not start, and a reload changes nothing.

```ini
[vrrp_instance VI_1]                  ; an address that moves
interface = eth0
virtual_router_id = 51
priority = 250                        ; the other host has 249
nopreempt = yes
virtual_ipaddress = 192.168.30.16/24
track_check = memcached               ; fails: FAULT, and the other host takes over
service = proxy                       ; runs where the address is

[check memcached]
type = memcached
address = 127.0.0.1:11211
interval = 500ms
timeout = 300ms

[service proxy]
command = /usr/sbin/nutcracker -c /etc/vrrpd/proxy.yml -a 127.0.0.1 -o ""
user = nutcracker
listen = 192.168.30.16:12000          ; announced once this accepts
```

`etc/recipes` holds whole deployments, with the proxies' own configurations; `docs/recipes` has a page on each. This page
is printed by `docs/print_reference.cpp` from the table that the reader uses.

## How it is written

**Sections** are `[kind]` or `[kind NAME]`. They may stand in any order; a name may be used before its section. A NAME
has at most)";

constexpr auto grammar = R"(letters, digits and `_-.:@+/`, and is unique among the sections of its kind.

**Keys** are lower case, one `key = value` a line. A line has at most 4096 bytes; there are no continued lines. A key
stands once in its section, unless the table calls it repeatable.

**Lists**: repeat the key, or separate by commas, or both. The order is kept. These two say the same:

```ini
track_check = memcached, disk weight -20

track_check = memcached
track_check = disk weight -20
```

**Quotes**: a value in double quotes, or a part of one, keeps its blanks, commas, `;` and `#`. Inside, `\"` is a quote
and `\\` a backslash. A command line is never split at commas, and never sees a shell: no `$VAR`, no `|`, no `>`.

```ini
command = /usr/local/bin/probe --text "two words; one argument" a,b
```

**Durations** are `500ms`, `2s`, `1min`, or a bare number of seconds; a fraction is allowed (`0.5`, `1.5s`). **Yes or
no** may also be `true`/`false` or `on`/`off`. **Addresses** are numbers, never names: `192.168.30.16`,
`2001:db8::16`, with a port `127.0.0.1:11211`, `[::1]:11211`.

**Comments** begin with `;` or `#`, at the start of a line or after a blank.

**Include**: `include = conf.d/*.ini` in `[global]` reads further files, relative to the file that says so. A name
without a wildcard must exist, a pattern may match nothing. Every file may hold any section, and begins with a section
line of its own. A `[global]` in each of several files is one `[global]`; so is `[defaults]`. Files must not be
writable by everybody.

**[defaults]** takes every key of `[vrrp_instance NAME]`, for all instances that do not set it themselves. A list that
an instance sets replaces the one from there.

```ini
[defaults]
interface = eth0
version = 2

[vrrp_instance VI_1]
virtual_router_id = 51
virtual_ipaddress = 192.168.30.16/24

[vrrp_instance VI_2]
virtual_router_id = 52
virtual_ipaddress = 192.168.30.17/24
priority = 200
```

**Mistakes**: what is unknown, out of range, there twice or refers to nothing is an error. All of a configuration are
reported in one run, with the nearest known word; nothing is cut, clamped or ignored. Words of keepalived that are
missing here say what to write instead.

    vrrpd.ini:5: [vrrp_instance VI_1] priorty: unknown key, did you mean priority?
    vrrpd.ini:9: [check memcached] timeout: the timeout 2s is longer than the interval 1s, allowed is at most the interval

**A change** takes effect with `systemctl reload vrrpd`, which applies the difference: what has not changed goes on. Some
keys of `[global]` need a restart; a reload that finds such a change names the key, and keeps the old value.
)";

constexpr auto about_global =
    R"(Of the daemon itself. Scripts and services run as `script_user` where they name no `user` of their own, and as root
only where one of these says so.)";

constexpr auto about_instance =
    R"(A virtual router: addresses that one of several hosts holds. The hosts of a pair agree on `virtual_router_id`,
`version`, `advert_int` and the addresses, and differ in `priority`.

- The family is that of the first `virtual_ipaddress`. The other family needs an instance of its own, which may have
  the same VRID, or goes to `virtual_ipaddress_excluded`.
- A `virtual_ipaddress` without `/LEN` is a /32 or /128. `dev IF` puts it on another interface, `label L` names an
  IPv4 one.
- `track_check = NAME`: while it fails, this host is in FAULT. `NAME weight N`: a positive N is added to the priority
  while it passes, a negative one while it fails, and there is no FAULT; `reverse` swaps passing and failing. The sum
  stays within 1 and 254. While a tracked check has no verdict yet, the host does not become MASTER.
- A tracked check must not ask a virtual address: the standby would judge the other host. That is what `check` of a
  `[service NAME]` is for.
- `preempt_check`: while one does not pass, a live peer with a lower priority goes on serving. It never means FAULT.
- `track_interface = NAME` is the same for an interface that is down or has no carrier. The instance's own interface
  needs none: while it is down there is FAULT anyway, unless `dont_track_primary = yes`.
- Priority 255 is for the host whose own addresses these are. It never steps back, so it can have no `track_check`, no
  `track_interface`, no `service` and no `before_master`.
- `virtual_routes`: a destination, then any of the words in any order. `default` is `0.0.0.0/0` or `::/0`, by the
  family of `via` or `src`. Without `dev` it is the instance's interface; a table is a number or `main`. All instances
  together have one route for a destination, table and metric.
- With `unicast_peer` adverts go to these hosts only, and only these are heard. An advert that comes with less than
  `min_ttl` (255, unless it is given) is refused: for a peer behind a router write what is left of the way.
  `unicast_src_ip` without a peer is an error, never multicast. With both, `interface` may be left out: it is the one
  that holds `unicast_src_ip`. Two unicast instances may share a VRID if they share no peer.
- `max_learned_interval`: a BACKUP waits for the advert_int that the MASTER advertises, as the RFC wants it. Who is
  worried about one of 40 seconds sets the longest that is taken; it cannot be below the own `advert_int`.
- Hooks (`before_*`, `notify*`) are programs of yours: see below the table.
- With `auth_type = PASS` the password is plain text on the wire. It keeps strangers with another configuration out,
  and nobody else.)";

constexpr auto about_hooks =
    R"(
### Hooks

| hook | when it runs | who waits for it |
|---|---|---|
| `before_master` | after the first advert, before the addresses; where a worse host is alive before the first advert, and that host goes on serving | the addresses. It fails or is late: FAULT for `fault_hold`, and priority 0 if an advert had left |
| `notify_master` | the addresses are there, services listen, the announcement was sent. Also after an adoption (`VRRP_REASON=adopted`), and again when a split network is whole and this host is the winner | nobody |
| `before_backup` | a planned hand-over (stop, drain) begins; services stop at the same time | the removal of the addresses, for 1 s, or for `hook_timeout` and `stop_timeout` where they are set |
| `notify_backup`, `notify_fault`, `notify_stop` | the addresses are gone, the peers were told, services have stopped | nobody; at its end the daemon waits for `hook_timeout` at most |
| `notify` | in each of the five `notify_*` cases that are a state, after the one of its own | nobody |
| `notify_new_active` | while not MASTER: another host is heard as MASTER for the first time since the start or the last FAULT, or a different one | nobody |

No advert ever waits for a hook. A fault, a higher MASTER, a stall and a lost link have no `before_backup`: nothing about
them is planned.

- Arguments: those of the key, then `INSTANCE NAME STATE PRIORITY`, as keepalived has them (`GROUP NAME STATE 0` for a
  sync group). STATE is `MASTER`, `BACKUP`, `FAULT` or `STOP`; for `before_*` the one that comes.
- Environment: `VRRP_INSTANCE` and `VRRP_STATE`, `VRRP_PREVIOUS_STATE` (also `INIT`), `VRRP_PRIORITY`, `VRRP_VIPS` (all
  virtual addresses, separated by blanks), `VRRP_PEER` (the last MASTER that was heard, if any), `VRRP_REASON` (the words
  of the log), a fixed `PATH`, and nothing else. The folder is `/`.
- One at a time for each instance, in order. If states change faster than hooks run the latest state wins: of `notify*`
  that have not begun only the newest runs, and what is skipped is logged. An abandoned `before_master` is followed by
  `notify_backup` or `notify_fault`, so that what it did can be undone.
- What takes longer than `hook_timeout` is killed with its process group. What it prints goes where the daemon's standard
  error goes. Exit code and duration are logged and counted.
- Hooks run as `script_user`, by default without any capability. One that would run as root must be root's, as scripts
  of checks.)";

constexpr auto about_group =
    R"(Instances that move together: all are MASTER on one host, and a fault of one is a fault of all.

- What the strictest member wants, all want: `nopreempt` of one is that of all, `preempt_delay` and `startup_delay`
  are the longest, and `preempt_check` is that of all members together.
- Give all members the same priority and the same weights. Otherwise two hosts could each win one of them.
- An instance is in one group at most. One with priority 255 can be in none, as it cannot step back.
- Hooks of the group run when those of all members were told, once for all of them. `before_master` is a key of the
  members: no address of any comes before those of all have succeeded.)";

constexpr auto about_check =
    R"(A question asked again and again; instances (`track_check`, `preempt_check`) and services (`check`) refer to it by its
name.

| type | asks | needs | may have |
|---|---|---|---|
| `tcp` | does it accept a connection | `address` | `watch` |
| `memcached` | does it answer `version`, store a value, have room | `address` | `watch`, `probe`, `auth_file`, with `probe = stats` also `max_connections_percent`, `cold_after_restart` |
| `redis` | does it say PONG, is it a master, is it a replica in sync | `address` | `watch`, `password_file`, `user`, `require`, `max_lag` |
| `http` | is the status a good one, is a text in the page | `address` | `watch`, `path`, `host`, `status`, `contains` |
| `send_expect` | does a text come, after another one was sent or unasked | `address`, `expect` | `watch`, `send` |
| `script` | is the exit code 0 | `command` | `user` |
| `process` | does it run | `pid_file` or `name`; with both, the one that the file names must be called so | |
| `file` | is it empty, 0, or not there | `path` | |
| `ping` | is there a reply to an echo | `address` without a port | `count` |

- The first verdict needs one success, or `fall` failures in a row. After that `fall` failures or `rise` successes in
  a row change it.
- With `fast_fail` a failure is repeated at once, so a server that hangs is found within interval + `fall` x
  `timeout`. With `watch` a server that dies is found within milliseconds, whatever the interval.
- A script that is not over after `timeout` is killed with all that it started. At most 64 scripts run together, the
  others wait in the order they came; the `timeout` counts from the start. One that is stuck in the kernel and cannot be
  killed stays timed out, and is not started again before it has ended.
- A script has the environment `PATH` and nothing else, `/` as its folder, and normal scheduling. Who is MASTER is not
  told to it: what a check says must not depend on that. What differs between checks goes into the arguments. Its last
  line goes to the log with `log_level = debug`.
- A script that would run as root must be root's, and so must every folder and link on the way to it: otherwise the
  configuration is refused. That is looked at when the file is read, not before each start: who can write to what was
  safe then has been let in by root.
- A process is looked for once an `interval`, and once found held: its end is known at once. A pid file that still is
  as it was when its process ended names nobody, whoever has that number now.
- A file is looked at when its writer closes it, when it is replaced, made or removed, and once an `interval`. With
  `track_check = NAME weight file` the whole number in it, which may be negative, is added to the priority, and is no
  FAULT. It must be on a local file system, and so must a pid file.
- A ping sends `count` echoes within `timeout`; one reply is enough.
- Checks that differ only in their names, `fall`, `rise` and `init_fail` share one probe: each judges its answers for
  itself.
- `address` is `ADDR:PORT` or `unix:/run/redis/redis.sock`. `timeout` is one deadline for connecting and all that is said.
- Whatever is not up is a failure, `degraded` too. What is only a warning belongs in a check of its own that is tracked
  with a weight: `track_check = crowded weight -20`. So connections near the limit lower the priority, and a memcached
  that hangs is a FAULT by another check.
- Secrets (`auth_file`, `password_file`): the first line of a regular file of at most 4 KiB that others may neither read
  nor write. They are read with the file, and never logged. They go over the wire as they are.
- An idle connection (`watch`) is one of the service's connections. A web server ends idle ones by habit, which costs a
  probe each time, at most one a minute in the long run; `watch = no` where that fills its log.

**memcached.** `probe = version` is the cheapest. `set_get` stores a value under a key of its own with the host's name,
for five seconds, and wants it back. `stats` is `degraded` from `max_connections_percent` of the connections on, and when
stores were refused for lack of memory since the last probe (`-M`): big values are refused first, while `set_get` still
finds room for its small one. A memcached that has run for less than `cold_after_restart` is empty: the check passes, but
as `preempt_check` it does not, so a host with a cold cache does not take over from a live peer.

Behind nutcracker `version` goes to one backend, always the same; `set_get` to the shard of its key; `stats` is refused.
One that has several shards tolerates a dead one only with `auto_eject_hosts: true`; give the check a `fall` above its
`server_failure_limit`.

**redis.** A password that nobody asks for is no error. `require = replica_in_sync` is for `preempt_check`: the link to the
master is up, no full copy is in progress, and what was received and not yet applied is at most `max_lag` bytes (0 before
redis 7, which does not say). A replica knows nothing of what its master has not sent: a master that stands still is
noticed after redis' own `repl-timeout`. While redis loads its data, or a script runs for longer than
`busy-reply-threshold`, the check fails as `loading` or `busy`: nobody is served meanwhile. A redis that is out of memory
refuses writes and still says PONG: that is not seen.

**http** asks with GET and HTTP/1.1, follows no redirect and speaks no TLS. `contains` looks at the body, chunked or not,
within the first 64 KiB of the answer.

**send_expect**: `\r`, `\n`, `\t`, `\\` and `\xHH` stand for bytes, inside quotes too; there write `\x5c` for a
backslash. For example `send = "EHLO x\r\n"` with `expect = 250`.)";

constexpr auto about_service =
    R"(A program that runs where the address is. It is started when the addresses are there; in a planned hand-over and after
a fault it is ended before they go.

- It must stay in the foreground. It leads a process group of its own; to end it is SIGTERM, and SIGKILL to the group
  after `stop_timeout` (100 ms after a fault). What it prints goes where the daemon's standard error goes.
- Or it is a `unit` of systemd: started and stopped over D-Bus (StartUnit, StopUnit, then SIGKILL to all of it), in its
  own environment, its output in the journal under its own name. A `command` lives and dies with the daemon; a unit goes
  on while the daemon is restarted, and is found again. One that runs when the daemon starts as BACKUP is stopped. It
  should not be enabled, and needs no `Restart=`.
- It is ready when `listen` accepts, or, without one, as soon as it is started. Only then the addresses are announced.
- Where it ends by itself it is started again in place, the first time at once. A minute of good service makes the
  next end a first one again.
- It has failed when it does not listen `start_timeout` after it should, when it has ended `restart_limit` times in a
  row, or when its `check` fails. `on_failure = fault`: the instance goes to FAULT and the peer takes over.
  `on_failure = ignore`: it is started again for ever, and its check changes nothing.
- `run = always` keeps the process on the standby, too; it must then be able to start without the address. There it
  can fail as well, and that host is in FAULT then. Its `check` is judged there only if it does not ask a virtual
  address.
- A service that several instances name runs while any of them needs it.
- After a higher MASTER was heard, a stall or a lost link it is left alone for a second, in case the address comes
  back.)";

// A table cell may hold no bar.
std::string cell(const std::string& text) {
    std::string escaped;
    for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
    return escaped;
}

void print_section(std::ostream& out, Section section, const char* title, const char* about) {
    out << "\n## " << title << "\n\n" << about << "\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
    for (const Key& key : vrrpd::config::schema()) {
        if (key.section != section) continue;
        out << "| `" << key.name << "`" << (key.required ? ", required" : "") << (key.repeatable ? ", repeatable" : "")
            << " | " << cell(key.type) << " | " << (key.standard.empty() ? "" : "`" + cell(key.standard) + "`") << " | "
            << cell(key.help) << (key.keep ? "; a change needs a restart" : "") << " |\n";
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::ostringstream out;
    out << introduction << ' ' << vrrpd::config::max_name_length << ' ' << grammar;
    print_section(out, Section::global, "[global]", about_global);
    print_section(out, Section::instance, "[vrrp_instance NAME]", about_instance);
    out << about_hooks << '\n';
    print_section(out, Section::group, "[vrrp_sync_group NAME]", about_group);
    print_section(out, Section::check, "[check NAME]", about_check);
    print_section(out, Section::service, "[service NAME]", about_service);
    const bool man = argc == 2 && std::string_view(argv[1]) == "--man";
    std::cout << (man ? man_form(out.str()) : out.str());
}
