"""vrrpd as the first process of a container: no service manager, and orphans that nobody else waits for."""

import contextlib
import os
import pathlib
import signal
import time
import unittest

from tests.lan.daemons import VIP, write_script
from tests.lan.settings import VRRPD, run_folder
from tests.lan.virtual_lan import Lan

_INI = f"""[global]
log_target = stderr

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
priority = 254
advert_int = 100ms
virtual_ipaddress = {VIP}/24
track_check = orphans

[check orphans]
type = script
command = /etc/vrrpd/orphans
interval = 200ms
timeout = 200ms
"""
# Its child leaves the group that ends with the script, tells of its end, and ends as nobody's child. The script waits until
# the child has left, which it shows by closing the pipe: on a busy machine the end of the group would be faster.
_ORPHANS = "#!/bin/sh\n: $(setsid sh -c 'exec >&-; sleep 0.1; echo over >>/tmp/orphans' </dev/null 2>/dev/null &)\n"


def _children(pid):
    """[(pid, state)]"""
    found = []
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        with contextlib.suppress(OSError):
            stat = pathlib.Path(f"/proc/{child}/stat").read_text(encoding="utf-8")
            found.append((int(child), stat.rsplit(")", 1)[1].split()[0]))
    return found


class FirstProcess(unittest.TestCase):
    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder(self.id().rsplit(".", 1)[-1])))
        self.host = self.lan.host("a", "192.168.30.10")
        (self.host.etc / "vrrpd.ini").write_text(_INI, encoding="ascii")
        write_script(self.host.etc / "orphans", _ORPHANS)
        self.host.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp"])
        self.container = self.host.start("vrrpd", ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                                                   VRRPD, "-c", "/etc/vrrpd/vrrpd.ini"])
        self.container.wait_for_line("Entering MASTER STATE", 10)
        self.first = _children(self.container.pid)[0][0]

    def until(self, condition, what):
        end = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)  # a zombie's end makes no sound

    def test_orphans_are_reaped(self):
        self.until(lambda: len(self.host.run(["cat", "/tmp/orphans"], check=False).split()) >= 5, "five orphans")
        self.until(lambda: all(state != "Z" for _, state in _children(self.first)),
                   f"nobody waits for {_children(self.first)}")

    def test_a_stop_is_a_hand_over(self):
        os.kill(self.first, signal.SIGTERM)
        self.assertEqual(self.container.wait(5), 0)
        self.assertNotIn(VIP, self.host.addresses())
        self.assertIn("stopping on SIGTERM", self.container.log.text())

    def test_its_end_is_the_daemons(self):
        daemon = next(pid for pid, _ in _children(self.first) if pid in self.host.pids_of("vrrpd"))
        os.kill(daemon, signal.SIGKILL)
        self.assertEqual(self.container.wait(5), 128 + signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
