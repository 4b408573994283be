// What one probe found, as a class that says how the service is ill and a piece of evidence for a person.
//
// A connect that works is no proof of health: a stopped memcached accepts in 0.1 ms and never answers. So
// failures are told apart: "refused" is a dead process, "hung" a stopped one, "unreachable" a host or a route
// that is gone. Every class but `up` is a failure of the check, `degraded` too: whether a failure means FAULT or only
// a lower priority is said where the check is used, by a weight. The exception is `not_asked`, which is neither: what
// this host lacks would fail all of its checks at once, and says nothing of any service. The class decides nothing
// about counting, except through `hard`: a truth that a repetition an interval later would only confirm (nobody listens
// on an address of this host, the peer closed the connection at once), as opposed to a silence, which may just be a
// slow moment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vrrpd/core/time.hpp"

namespace vrrpd::health {

enum class Class : std::uint8_t {
    up,
    refused,         ///< nobody listens
    unreachable,     ///< no way to the host, or nothing ever came back from it
    hung,            ///< the kernel of the host accepts, the service does not answer
    saturated,       ///< the service says that it takes no more connections
    degraded,        ///< it answers, and says that it is near or past a limit: connections, memory, disk
    loading,         ///< alive, and still reads its data
    busy,            ///< alive, and at work on something that lets nobody else in
    stale,           ///< what is known may be old: its data, cut off from its master or behind; or our last answer
    auth,            ///< alive, but wants credentials: a mistake in a configuration
    wrong_protocol,  ///< something else listens there
    failed,          ///< answered that it cannot serve, closed without an answer, or the script said no
    exec_failure,    ///< the script could not be run
    timed_out,       ///< the script did not end in time, no echo came back in time
    not_asked,       ///< this host lacks what asking takes: descriptors, memory
};

/// "hung", "wrong protocol", ...
std::string_view to_string(Class cls);

/// The outcome of one probe.
struct Finding {
    Class cls = Class::up;
    std::string evidence;  ///< printable ASCII of bounded length; may be empty
    bool hard = false;     ///< no need to wait an interval before asking again
    bool cold = false;     ///< up, but restarted so shortly ago that it has no data to speak of
    int number = 0;        ///< what a file says

    bool success() const { return cls == Class::up; }
    friend bool operator==(const Finding&, const Finding&) = default;
};

/// Whether an errno of opening something is a lack of this host or process: descriptors, buffers, memory.
bool is_own_lack(int error);

/// Class::not_asked, for such an errno.
Finding not_asked(int error);

/// "hung: connected, no reply in 500 ms".
std::string to_string(const Finding& finding);

/// "500 ms", rounded down.
std::string in_milliseconds(Duration duration);

}  // namespace vrrpd::health
