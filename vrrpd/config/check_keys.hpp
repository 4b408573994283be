// The rows of [check NAME] in the table of keys.
#pragma once

#include <vector>

#include "vrrpd/config/schema.hpp"

namespace vrrpd::config {

/// Those of all types first. The help of a key that one type has begins with the type's name.
void add_check_keys(std::vector<Key>& keys);

}  // namespace vrrpd::config
