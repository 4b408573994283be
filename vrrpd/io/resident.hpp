// What of the program and its libraries is in memory.
#pragma once

namespace vrrpd {

/// Gives back the pages of code and constants that were read so far: most of them, such as what reads the file and what
/// the loader looked at, are for the start only. What is needed again comes back from the page cache, and is locked
/// then where memory is locked. Kernels before 5.18 keep what is locked; then nothing happens.
void forget_startup_pages();

}  // namespace vrrpd
