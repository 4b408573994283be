// A dialogue whose answers come in lines: memcached's and redis'. It puts the lines together and bounds them; what
// they mean is up to the derived class.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "health/dialogue.hpp"

namespace vrrpd::health {

class LineDialogue : public Dialogue {
  public:
    static constexpr std::size_t longest_line = 1024;  ///< with its end; a longer one is another protocol
    static constexpr std::size_t longest = 64 * 1024;  ///< bytes of all lines together

    std::optional<Finding> feed(std::string_view bytes) final;
    Finding closed() const final;
    Finding silent(Duration timeout) const final;

  protected:
    /// Takes the next line, without its CR LF or LF.
    virtual std::optional<Finding> take_line(std::string_view line) = 0;

    /// Whether a line that is not whole yet may become one of this protocol.
    virtual bool may_begin(std::string_view line) const = 0;

    /// Bytes up to the end of the last line.
    std::size_t consumed() const { return consumed_; }

  private:
    std::string line_;  // of which the end has not come yet
    std::size_t consumed_ = 0;
};

}  // namespace vrrpd::health
