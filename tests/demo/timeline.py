"""Prints the demo: 80 columns, colour only on a terminal that wants it."""

import os
import sys
import textwrap

WIDTH = 80
MARGIN = 20  # time and name, before what happened
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Timeline:
    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def _paint(self, text, *styles):
        if not self._colour or not styles:
            return text
        return f"\033[{';'.join(_CODES[style] for style in styles)}m{text}\033[0m"

    def _print(self, text=""):
        print(text, file=self._stream, flush=True)

    def text(self, block):
        for line in block.strip("\n").splitlines():
            self._print(line)

    def chapter(self, title):
        self._print()
        self._print(self._paint(f"── {title} ".ljust(WIDTH, "─"), "bold"))

    def event(self, milliseconds, who, what, *styles):
        """How long after the fault (None: no time), who, what; at most two lines of text."""
        when = "" if milliseconds is None else duration(milliseconds)
        lines = textwrap.wrap(what, WIDTH - MARGIN, max_lines=2, placeholder=" …") or [""]
        self._print(self._paint(f"{when:>9}", "dim") + "  " + self._paint(f"{who:<8}", "cyan") + " "
                    + self._paint(lines[0], *styles))
        for line in lines[1:]:
            self._print(" " * MARGIN + self._paint(line, *styles))

    def table(self, rows):
        for title, gap, verdict, good in rows:
            self._print(f"  {title:<44}{gap:>18}  " + self._paint(verdict, "green" if good else "red"))


def duration(milliseconds):
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.2f} s"
