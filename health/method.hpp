// How a check of some kind looks: what starts its probes, and what it holds on to between them.
//
// Whatever is held (an idle connection, the handle of a process, a watch on a file) only gives a hint that it is
// time to look again. A probe judges.
//
// Promises: a probe is as probe.hpp says, and ends before the next one starts; the hint comes from the loop,
// never from within a call; after release() nothing is held and no hint comes until the next probe.
#pragma once

#include <functional>
#include <memory>

#include "health/options.hpp"
#include "health/probe.hpp"
#include "health/script_runner.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class Method {
  public:
    Method() = default;
    Method(const Method&) = delete;
    Method& operator=(const Method&) = delete;
    virtual ~Method() = default;

    /// Starts a probe. It must not outlive the method.
    [[nodiscard]] virtual std::unique_ptr<Probe> probe(Found found) = 0;

    /// A probe has ended; `well`: it succeeded, and so say the checks that it is for.
    virtual void probed(bool /*well*/) {}

    /// Nobody wants to know any more, for now.
    virtual void release() {}
};

/// The method of `options.kind`. `hint` may not destroy it.
std::unique_ptr<Method> make_method(Loop& loop, ScriptRunner& scripts, const CheckOptions& options,
                                    std::function<void()> hint);

}  // namespace vrrpd::health
