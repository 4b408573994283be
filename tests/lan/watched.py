"""Processes with a log file each, and waiting for a line in it by inotify rather than by sleeping."""

import contextlib
import ctypes
import os
import re
import select
import signal
import subprocess
import time

IN_MODIFY = 2
_libc = ctypes.CDLL(None, use_errno=True)


class NotSeen(AssertionError):
    """What was waited for did not come; the text says what, and shows the end of the log."""


class Log:
    """A growing text file. Positions are byte offsets; `mark` before an act, `wait` from there after it."""

    def __init__(self, path):
        self.path = str(path)
        open(self.path, "ab").close()

    def mark(self):
        return os.path.getsize(self.path)

    def text(self, since=0):
        with open(self.path, "rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace")

    def lines(self, since=0):
        return self.text(since).splitlines()

    def find(self, pattern, since=0):
        """The first complete line that matches, as a match object."""
        for line in self.text(since).splitlines(keepends=True):
            if line.endswith("\n") and (match := re.search(pattern, line.rstrip("\n"))):
                return match
        return None

    def until(self, condition, timeout, what, alive=lambda: True):
        """What `condition` returns once it is true, looked at whenever the file grows. NotSeen after `timeout`
        seconds, or soon after `alive` turned false."""
        notify = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _libc.inotify_add_watch(notify, self.path.encode(), IN_MODIFY)
            end = time.monotonic() + timeout
            while True:
                living = alive()
                if found := condition():
                    return found
                left = end - time.monotonic()
                if left <= 0 or not living:
                    why = f"within {timeout} s" if living else "before its process ended"
                    tail = "\n".join(self.lines()[-15:])
                    raise NotSeen(f"{what}: not seen {why} in {self.path}; its end:\n{tail}")
                if select.select([notify], [], [], min(left, 0.2))[0]:
                    os.read(notify, 65536)
        finally:
            os.close(notify)

    def wait(self, pattern, timeout, since=0, alive=lambda: True):
        """The match of the first such line."""
        return self.until(lambda: self.find(pattern, since), timeout, f"/{pattern}/", alive)


class Process:
    """A child of ours, in a session of its own so that Ctrl-C at the terminal reaches only us."""

    def __init__(self, argv, log_path, output_path=None, enter=None, environment=None):
        self.argv = argv
        self.log = Log(log_path)
        with open(self.log.path, "ab") as errors, contextlib.ExitStack() as stack:
            output = stack.enter_context(open(output_path, "wb")) if output_path else errors
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                             preexec_fn=enter, start_new_session=True, env=environment)
        self.pid = self._process.pid

    def running(self):
        return self._process.poll() is None

    def send_signal(self, number):
        self._process.send_signal(number)

    def wait(self, timeout):
        """The exit status, as in subprocess."""
        return self._process.wait(timeout)

    def wait_for_line(self, pattern, timeout, since=0):
        return self.log.wait(pattern, timeout, since, self.running)

    def stop(self, patience=3.0):
        """SIGTERM, then SIGKILL. A stopped process is continued first."""
        if self.running():
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        if self.running():
            self._process.kill()
        self._process.wait()
