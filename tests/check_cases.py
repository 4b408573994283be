#!/usr/bin/python3
"""Each class of cases on the virtual LANs is run by meson. Run from the root of the source tree.

    check_cases.py BUILD/meson-info/intro-tests.json

A class that no meson.build lists would never run, and nobody would be told.
"""

import importlib
import inspect
import json
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, ".")

ROOMS = ("chaos", "interop", "lan", "recipes")
NOT_RUN = {("tests.chaos.test_chaos", "Chaos")}  # the seed that one asks for; tests/chaos/seeds.py runs it


def classes_of(module):
    """Those of its own that have a case."""
    return {(module, name) for name, one in inspect.getmembers(importlib.import_module(module), inspect.isclass)
            if issubclass(one, unittest.TestCase) and one.__module__ == module
            and unittest.defaultTestLoader.getTestCaseNames(one)}


def main(listed_in):
    modules = [".".join(file.with_suffix("").parts) for room in ROOMS
               for file in sorted(pathlib.Path("tests", room).glob("test_*.py"))]
    written = set().union(*map(classes_of, modules))
    run = {tuple(test["cmd"][-2:]) for test in json.loads(pathlib.Path(listed_in).read_text(encoding="utf-8"))}
    problems = [f"{module}: {name} is not listed in tests/meson.build" for module, name in sorted(written - run - NOT_RUN)]
    problems += [f"{module}: {name} is no class that does not run" for module, name in sorted(NOT_RUN - (written - run))]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
