// Sends a text, or nothing, and waits for another one to come anywhere in the first 64 KiB of the answer.
//
// An answer without the text is "failed" and shown by its beginning: what the service should have said only the user
// knows. No answer at all is "hung".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "health/dialogue.hpp"
#include "health/finder.hpp"

namespace vrrpd::health {

class SendExpectDialogue final : public Dialogue {
  public:
    static constexpr std::size_t longest = 64 * 1024;  ///< bytes looked at

    explicit SendExpectDialogue(const SendExpectOptions& options);

    std::optional<Finding> feed(std::string_view bytes) override;
    Finding closed() const override;
    Finding silent(Duration timeout) const override;

  private:
    Finding without_it(std::string_view until) const;

    Finder finder_;
    std::size_t taken_ = 0;
    std::string beginning_;  // of the answer
};

}  // namespace vrrpd::health
