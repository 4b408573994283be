// The deadlines of many instances, the earliest first: a binary heap that knows where each instance stands in it.
#pragma once

#include <cstddef>
#include <vector>

#include "vrrpd/core/time.hpp"

namespace vrrpd {

class DeadlineHeap {
  public:
    explicit DeadlineHeap(std::size_t size);
    void grow(std::size_t size);

    /// Moves one entry to another deadline; `never` takes it to the end.
    void set(std::size_t entry, Instant deadline);
    Instant deadline(std::size_t entry) const { return deadlines_[entry]; }

    /// The entry with the earliest deadline. There must be one.
    std::size_t first() const { return order_.front(); }
    bool empty() const { return order_.empty(); }

  private:
    bool earlier(std::size_t place_a, std::size_t place_b) const {
        return deadlines_[order_[place_a]] < deadlines_[order_[place_b]];
    }
    void swap(std::size_t place_a, std::size_t place_b);
    void rise(std::size_t place);
    void sink(std::size_t place);

    std::vector<Instant> deadlines_;   // by entry
    std::vector<std::size_t> order_;   // heap of entries
    std::vector<std::size_t> places_;  // where each entry is in the heap
};

}  // namespace vrrpd
