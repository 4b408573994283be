// pidfd_open and pidfd_send_signal for C++: glibc 2.36 declares them without C linkage, and then nothing links.
#pragma once

extern "C" {
#include <sys/pidfd.h>
}
