#!/bin/sh
# Every source as clang-format would write it.
find ctl vrrpd health netlink tests docs -name '*.cpp' -o -name '*.hpp' | xargs clang-format --dry-run -Werror
