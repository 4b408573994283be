// Who is drained, as it stands in the state directory: `vrrpd drained 1` and a name a line.
//
// A drain that a restart would forget is worse than none, so it is written first and takes effect when the disk has it;
// where it can't be kept it is refused. Names that the configuration does not have are kept: it may have them again.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "vrrpd/io/state_store.hpp"

namespace vrrpd {

class Drains {
  public:
    /// Reads what there is, which may wait. `store` must outlive it.
    explicit Drains(StateStore& store);

    const std::set<std::string>& names() const { return names_; }

    /// Writes down that these are drained from now on, or are not. `done` is called from the loop.
    void set(const std::vector<std::string>& names, bool drained, StateStore::Done done);

  private:
    StateStore& store_;
    std::set<std::string> names_;   // on the disk
    std::set<std::string> wanted_;  // when all is written
};

}  // namespace vrrpd
