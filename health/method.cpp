#include "health/method.hpp"

#include <optional>
#include <utility>

#include "health/file_method.hpp"
#include "health/idle_watch.hpp"
#include "health/ping_probe.hpp"
#include "health/process_method.hpp"
#include "health/script_probe.hpp"
#include "health/stream_probe.hpp"

namespace vrrpd::health {
namespace {

/// A conversation over a stream, and an idle connection in between.
class StreamMethod final : public Method {
  public:
    StreamMethod(Loop& loop, const CheckOptions& options, std::function<void()> hint) : loop_(loop), options_(options) {
        if (options.watch) idle_.emplace(loop, options.endpoint, std::move(hint));
    }
    std::unique_ptr<Probe> probe(Found found) override {
        return std::make_unique<StreamProbe>(loop_, options_, past_, std::move(found));
    }
    void probed(bool well) override {
        if (idle_) well ? idle_->hold() : idle_->release();
    }
    void release() override {
        if (idle_) idle_->release();
        past_ = {};
    }

  private:
    Loop& loop_;
    const CheckOptions options_;
    Past past_;
    std::optional<IdleWatch> idle_;
};

class PingMethod final : public Method {
  public:
    PingMethod(Loop& loop, const CheckOptions& options) : loop_(loop), options_(options) {}
    std::unique_ptr<Probe> probe(Found found) override {
        return std::make_unique<PingProbe>(loop_, options_, std::move(found));
    }

  private:
    Loop& loop_;
    const CheckOptions options_;
};

class ScriptMethod final : public Method {
  public:
    ScriptMethod(Loop& loop, ScriptRunner& scripts, const CheckOptions& options)
        : loop_(loop), scripts_(scripts), options_(options), owner_(scripts.new_owner()) {}
    std::unique_ptr<Probe> probe(Found found) override {
        return std::make_unique<ScriptProbe>(loop_, scripts_, owner_, options_, std::move(found));
    }

  private:
    Loop& loop_;
    ScriptRunner& scripts_;
    const CheckOptions options_;
    const ScriptRunner::Owner owner_;
};

}  // namespace

std::unique_ptr<Method> make_method(Loop& loop, ScriptRunner& scripts, const CheckOptions& options,
                                    std::function<void()> hint) {
    switch (options.kind) {
        case Kind::script:
            return std::make_unique<ScriptMethod>(loop, scripts, options);
        case Kind::process:
            return std::make_unique<ProcessMethod>(loop, options, std::move(hint));
        case Kind::file:
            return std::make_unique<FileMethod>(loop, options, std::move(hint));
        case Kind::ping:
            return std::make_unique<PingMethod>(loop, options);
        case Kind::tcp:
        case Kind::memcached:
        case Kind::redis:
        case Kind::http:
        case Kind::send_expect:
            break;
    }
    return std::make_unique<StreamMethod>(loop, options, std::move(hint));
}

}  // namespace vrrpd::health
