#!/usr/bin/python3
"""Runs the cases of a unittest module, or of some of its classes, and prints TAP, so that meson counts each case.

    tests/lan/run.py tests.lan.test_failover [CLASS ...]
"""

import pathlib
import sys
import traceback
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))


class Tap(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self._count = 0

    def _report(self, test, verdict, remark="", details=""):
        self._count += 1
        name = test.id().replace("#", " ")
        print(f"{verdict} {self._count} - {name}{remark}", flush=True)
        for line in details.splitlines():
            print(f"# {line}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._report(test, "ok")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._report(test, "not ok", details="".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self._report(test, "not ok", details="".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._report(test, "ok", f" # SKIP {reason}")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._report(subtest, "not ok", details="".join(traceback.format_exception(*err)))

    def finish(self):
        print(f"1..{self._count}", flush=True)


def main(arguments):
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    module, *classes = arguments
    suite = unittest.defaultTestLoader.loadTestsFromNames([f"{module}.{name}" for name in classes] or [module])
    result = Tap()
    suite.run(result)
    result.finish()
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
