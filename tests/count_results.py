#!/usr/bin/env python3
"""Adds up the JUnit files that meson wrote. The last line printed is 'N passed, N failed'."""
import argparse
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed-runs", type=int, default=0, help="runs of meson test that did not succeed")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()

    passed = failed = skipped = 0
    for file in arguments.files:
        build = pathlib.Path(file).parts[0]  # the same test runs in more than one
        for case in ElementTree.parse(file).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {build} {case.get('classname')} {case.get('name')}")
            elif case.find("skipped") is not None:
                skipped += 1
                print(f"skipped: {build} {case.get('classname')} {case.get('name')}")
            else:
                passed += 1
    # A program that died, or a bar that was missed, told no case; its run failed all the same.
    failed = max(failed, arguments.failed_runs)
    # Nothing here may be skipped: what cannot run on this machine has failed.
    failed += skipped
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
