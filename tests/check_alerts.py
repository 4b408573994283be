#!/usr/bin/python3
"""The alert rules: promtool reads them and runs their tests, and each alert is seen to fire and to be quiet."""

import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "etc" / "prometheus"
RULES, TESTS = FOLDER / "vrrpd.rules.yml", FOLDER / "vrrpd.rules.test.yml"


def main():
    for command in ("check", RULES), ("test", TESTS):
        if subprocess.run(["promtool", command[0], "rules", command[1].name], cwd=FOLDER, check=False).returncode:
            return 1
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))
    tests = TESTS.read_text(encoding="utf-8")
    untested = [f"{name} is never seen to {what}" for name in alerts
                for what, expected in (("be quiet", r" \[\]"), ("fire", r"\n +- exp_labels"))
                if not re.search(rf"alertname: {name}\n +exp_alerts:{expected}", tests)]
    print("\n".join(untested) or f"{len(alerts)} alerts, each with its tests")
    return 1 if untested or not alerts else 0


if __name__ == "__main__":
    sys.exit(main())
