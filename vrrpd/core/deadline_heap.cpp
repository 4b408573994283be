#include "vrrpd/core/deadline_heap.hpp"

#include <numeric>
#include <utility>

namespace vrrpd {

DeadlineHeap::DeadlineHeap(std::size_t size) : deadlines_(size, never), order_(size), places_(size) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::iota(places_.begin(), places_.end(), std::size_t{0});
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
