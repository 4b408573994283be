#!/bin/sh
# docs/configuration.md as the program $1 prints it. Run from the root of the source tree.
"$1" | diff -u docs/configuration.md - && exit
echo "docs/configuration.md is not what the table of keys says. Write it anew: $1 > docs/configuration.md"
exit 1
