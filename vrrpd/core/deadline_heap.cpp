#include "vrrpd/core/deadline_heap.hpp"

#include <utility>

namespace vrrpd {

DeadlineHeap::DeadlineHeap(std::size_t size) {
    grow(size);
}

// What never comes due may stand at the end.
void DeadlineHeap::grow(std::size_t size) {
    for (std::size_t entry = order_.size(); entry < size; ++entry) {
        deadlines_.push_back(never);
        order_.push_back(entry);
        places_.push_back(entry);
    }
}

void DeadlineHeap::set(std::size_t entry, Instant deadline) {
    const Instant before = std::exchange(deadlines_[entry], deadline);
    if (deadline < before) {
        rise(places_[entry]);
    } else if (deadline > before) {
        sink(places_[entry]);
    }
}

void DeadlineHeap::swap(std::size_t place_a, std::size_t place_b) {
    std::swap(order_[place_a], order_[place_b]);
    places_[order_[place_a]] = place_a;
    places_[order_[place_b]] = place_b;
}

void DeadlineHeap::rise(std::size_t place) {
    while (place > 0 && earlier(place, (place - 1) / 2)) {
        swap(place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
}

void DeadlineHeap::sink(std::size_t place) {
    for (;;) {
        std::size_t least = place;
        for (const std::size_t child : {2 * place + 1, 2 * place + 2}) {
            if (child < order_.size() && earlier(child, least)) least = child;
        }
        if (least == place) return;
        swap(place, least);
        place = least;
    }
}

}  // namespace vrrpd
