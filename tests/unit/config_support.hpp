// What the tests of the rules share: small configurations, and what is wrong with one.
#pragma once

#include <string>
#include <string_view>

#include "vrrpd/config/load.hpp"

namespace vrrpd::config::test {

/// The problems of a configuration, one a line, without the file name.
inline std::string problems_of(std::string_view text) {
    std::string lines;
    for (const Problem& problem : load_text(text, "t").problems) lines += to_string(problem).substr(2) + "\n";
    return lines;
}

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

inline const std::string bare = "[vrrp_instance A]\ninterface = eth0\nvirtual_router_id = 1\n";  // lines 1 to 3
inline const std::string four = bare + "virtual_ipaddress = 10.0.0.1/24\n";                      // line 4
inline const std::string six = bare + "virtual_ipaddress = fe80::1/64\n";                        // line 4
inline const std::string second = "[vrrp_instance B]\ninterface = eth0\nvirtual_router_id = 2\n";
inline const std::string check = "[check c]\ntype = tcp\naddress = 127.0.0.1:80\n";

/// The problems behind `four` and one more line, which is line 5.
inline std::string with(const std::string& line) {
    return problems_of(four + line + "\n");
}

}  // namespace vrrpd::config::test
