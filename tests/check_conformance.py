#!/usr/bin/env python3
"""docs/conformance.md against the checklist and the tests. Run from the root of the source tree.

Each row is in one of its two tables, once: proven, or 'Out'. Each test that is named for a row is run by meson, and
its text has the id of the row. That the test proves the row is for a reader to judge.
"""
import pathlib
import re
import sys

PAGE = pathlib.Path("docs/conformance.md")
ROWS_OF = {"A": 19, "B": 28, "C": 10, "D": 12, "E": 43, "F": 14, "G": 14, "M": 10, "T": 8, "V": 8, "L": 9, "S": 7,
           "H": 46}
# Where tests have their cases from.
CASES_OF = {"tests/lan/test_hostile.py": "tests/lan/hostile_rows.py",
            "tests/interop/test_frr.py": "tests/interop/meeting.py",
            "tests/interop/test_keepalived.py": "tests/interop/meeting.py"}


def tables(page: str) -> tuple[list, list]:
    """The rows of both as (id, cells behind it)."""
    proven, _, out = page.partition("\n## Out\n")
    return tuple([(cells[0], cells[1:]) for cells in
                  ([cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()
                   if re.match(r"\| [A-Z]\d\d ", line))] for part in (proven, out))


def place_of(test: str) -> pathlib.Path:
    """`advert` stands for tests/unit/advert_test.cpp."""
    return pathlib.Path(test if "/" in test else f"tests/unit/{test}_test.cpp")


def text_of(place: pathlib.Path) -> str:
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    files += [pathlib.Path(CASES_OF[str(place)])] if str(place) in CASES_OF else []
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def is_run(place: pathlib.Path) -> bool:
    """Whether a meson.build at or above it has its name."""
    name = re.sub(r"^test_|_test$|_fuzz$", "", place.stem)
    built = [folder / "meson.build" for folder in (place, *place.parents[:-1])]
    words = "\n".join(file.read_text(encoding="utf-8") for file in built if file.is_file())
    return re.search(rf"['.](?:test_)?{name}'", words) is not None


def names(text: str, row: str) -> bool:
    """As a word, or as a part of a test's name between underscores."""
    return re.search(rf"(?<![A-Za-z0-9]){row}(?![A-Za-z0-9])", text) is not None


def problems_of_tests(row: str, cell: str) -> list[str]:
    problems = [] if re.fullmatch(r"`[^`]+`(, `[^`]+`)*", cell) else [f"{row}: no list of tests: {cell}"]
    for test in re.findall(r"`([^`]+)`", cell):
        place = place_of(test)
        if not place.exists():
            problems.append(f"{row}: there is no {place}")
        elif not is_run(place):
            problems.append(f"{row}: {place} is in no meson.build")
        elif not names(text_of(place), row):
            problems.append(f"{row}: {place} does not name it")
    return problems


def problems() -> list[str]:
    proven, out = tables(PAGE.read_text(encoding="utf-8"))
    listed = [row for row, _ in proven + out]
    wanted = [f"{letter}{number:02}" for letter, count in ROWS_OF.items() for number in range(1, count + 1)]
    return ([f"{row}: is in neither table" for row in wanted if row not in listed] +
            [f"{row}: is there {listed.count(row)} times" for row in dict.fromkeys(listed) if listed.count(row) > 1] +
            [f"{row}: is no row of the checklist" for row in dict.fromkeys(listed) if row not in wanted] +
            [f"{row}: no requirement" for row, cells in proven if len(cells) != 2 or not cells[0]] +
            [f"{row}: no reason" for row, cells in out if len(cells) != 1 or not cells[0]] +
            [problem for row, cells in proven for problem in problems_of_tests(row, cells[-1])])


def main() -> int:
    found = problems()
    for problem in found:
        print(f"{PAGE}: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
