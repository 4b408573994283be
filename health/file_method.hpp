// Looks at a file that people and programs write a number into: empty, 0 or no file at all is a success, any other
// number a failure, and so is what is no number.
//
// A change is seen at once, by a watch on the folder (a file that is made, replaced by rename or removed) and one
// on the file (where the path is a link to elsewhere). It is looked at when the writer closes it, so that a file
// that is just being written is not read half. A writer that keeps it open is seen an interval later; so is
// everything if the kernel has no watch left for us.
#pragma once

#include <functional>
#include <memory>

#include "health/method.hpp"
#include "vrrpd/core/time.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

/// Between two looks at a file that is written all the time.
inline constexpr Duration file_hint_pause = std::chrono::milliseconds(10);

class FileMethod final : public Method {
  public:
    /// For `Kind::file`: reads path.
    FileMethod(Loop& loop, const CheckOptions& options, std::function<void()> hint);

    std::unique_ptr<Probe> probe(Found found) override;
    void release() override;

  private:
    void hold();
    void watch(int& handle, const std::string& path, std::uint32_t events);
    void ready();
    bool concerns_us(const char* name, std::uint32_t events) const;

    Loop& loop_;
    const std::string path_;
    const std::string folder_;
    const std::string name_;
    std::function<void()> hint_;
    std::unique_ptr<Timer> pause_;
    Instant not_before_{};
    Descriptor notify_;
    std::unique_ptr<Watch> watch_;
    int folder_handle_ = -1;
    int file_handle_ = -1;
};

/// What a file means.
Finding judge_file(const std::string& path);

}  // namespace vrrpd::health
