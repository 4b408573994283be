// What the fuzz targets share.
//
// A target is a function LLVMFuzzerTestOneInput(data, size) that hands untrusted bytes to one reader and checks
// properties of what comes out. With libFuzzer (tests/fuzz/run) it is called with bytes that reach ever more of the
// code; with replay.cpp, in the normal build, with the seeds of tests/fuzz/corpus. Whoever reads past the end of an
// input is seen by the sanitizers: the input is a block of its own, as long as its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "vrrpd/core/ip.hpp"

// NOLINTNEXTLINE: libFuzzer's name for it
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace vrrpd::fuzz {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

inline IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

/// A property of the code under test. One that does not hold ends the program, and libFuzzer keeps the input.
inline void require(bool holds, const char* property) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", property);
    std::abort();
}

}  // namespace vrrpd::fuzz
