// Reads the tree: which room includes what. A wrong arrow is a design mistake that no compiler sees.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const fs::path root = SOURCE_ROOT;

// Room -> rooms it may include. A single header of another room is named in full.
const std::map<std::string, Names> arrows = {
    {"vrrpd/core", {}},
    {"vrrpd/loop", {"vrrpd/core"}},
    {"vrrpd/guard", {"vrrpd/core", "vrrpd/loop", "netlink"}},
    {"vrrpd/launcher", {"vrrpd/core", "vrrpd/loop", "vrrpd/guard"}},
    {"health",
     {"vrrpd/core/ip.hpp", "vrrpd/core/text.hpp", "vrrpd/core/time.hpp", "vrrpd/loop", "vrrpd/launcher/child.hpp",
      "vrrpd/launcher/pidfd.hpp"}},
    {"netlink", {"vrrpd/core/ip.hpp", "vrrpd/core/time.hpp", "vrrpd/loop"}},
    {"vrrpd/hooks", {"vrrpd/core", "vrrpd/loop", "vrrpd/launcher/child.hpp"}},
    {"vrrpd/service", {"vrrpd/core", "vrrpd/loop", "vrrpd/launcher/child.hpp", "health"}},
    {"vrrpd/config", {"vrrpd/core", "health/options.hpp", "vrrpd/service/options.hpp", "vrrpd/launcher/child.hpp"}},
    {"vrrpd/io", {"vrrpd/core", "vrrpd/loop"}},
    {"vrrpd/agent",
     {"vrrpd/core", "vrrpd/loop", "vrrpd/launcher/child.hpp", "vrrpd/hooks", "vrrpd/service",
      "vrrpd/config/arrange.hpp", "vrrpd/config/config.hpp", "vrrpd/io", "health", "netlink", "vrrpd/guard"}},
    {"ctl",
     {"vrrpd/core", "vrrpd/config", "vrrpd/loop/descriptor.hpp", "ctl/import/import_command.hpp",
      "ctl/doctor/doctor_command.hpp"}},
    {"ctl/doctor", {"vrrpd/core", "vrrpd/config", "vrrpd/loop", "vrrpd/io"}},
    {"ctl/import", {"vrrpd/core", "vrrpd/config"}},
};

// Headers that are dear to compile, or that only one place should depend on.
const std::map<std::string, Names> confined = {
    {"spdlog/", {"vrrpd/io/log.cpp"}},
    {"CLI/", {"vrrpd/command_line.cpp", "ctl/main.cpp"}},
    {"ini.h", {"vrrpd/config/ini_reader.cpp"}},
    {"systemd/sd-event.h", {"vrrpd/loop/sd_event_loop.cpp"}},
    {"systemd/sd-bus.h", {"vrrpd/service/units.cpp"}},
    {"tl/", {"vrrpd/core/result.hpp"}},
    {"nlohmann/",
     {"vrrpd/io/control_server.cpp", "vrrpd/agent/json.cpp", "ctl/client.cpp", "ctl/status_view.cpp",
      "ctl/doctor/firewall.cpp"}},
};

std::vector<fs::path> sources(const std::string& room) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(root / room)) {
        const auto extension = entry.path().extension();
        if (extension == ".hpp" || extension == ".cpp") found.push_back(entry.path());
    }
    return found;
}

std::vector<std::string> matches(const fs::path& file, const std::regex& pattern) {
    std::ifstream in(file);
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) {
        if (std::smatch match; std::regex_search(line, match, pattern)) all.push_back(match[1]);
    }
    return all;
}

std::string path_in_tree(const fs::path& file) {
    return fs::relative(file, root).string();
}

bool allowed(const std::string& room, const std::string& include) {
    if (fs::path(include).parent_path() == room) return true;
    return std::ranges::any_of(arrows.at(room), [&](const std::string& arrow) {
        return include == arrow || fs::path(include).parent_path() == arrow;
    });
}

TEST(Arrows, RoomsIncludeOnlyWhatTheyMay) {
    const std::regex own(R"re(^#include "([^"]+)")re");
    for (const auto& [room, may] : arrows) {
        const auto files = sources(room);
        EXPECT_FALSE(files.empty()) << room;
        for (const fs::path& file : files) {
            for (const std::string& include : matches(file, own)) {
                EXPECT_TRUE(allowed(room, include)) << path_in_tree(file) << " includes " << include;
            }
        }
    }
}

TEST(Arrows, HeavyHeadersStayInOnePlace) {
    const std::regex foreign(R"re(^#include <([^>]+)>)re");
    for (const auto& [room, may] : arrows) {
        for (const fs::path& file : sources(room)) {
            for (const std::string& include : matches(file, foreign)) {
                for (const auto& [header, places] : confined) {
                    if (!include.starts_with(header)) continue;
                    EXPECT_TRUE(places.contains(path_in_tree(file))) << path_in_tree(file) << " includes " << include;
                }
            }
        }
    }
}

// The core is pure: no clock, socket, log or randomness of its own.
TEST(Arrows, CoreTouchesNoWorld) {
    const std::regex foreign(R"re(^#include <([^>]+/[^>]+)>)re");
    const std::regex calls(
        R"re(\b(clock_gettime|gettimeofday|steady_clock|system_clock|socket|sendto|sendmsg|random|rand|fopen|printf|syslog)\s*\()re");
    for (const fs::path& file : sources("vrrpd/core")) {
        for (const std::string& include : matches(file, foreign)) {
            EXPECT_TRUE(include == "arpa/inet.h" || include == "tl/expected.hpp")
                << path_in_tree(file) << " includes " << include;
        }
        for (const std::string& call : matches(file, calls)) ADD_FAILURE() << path_in_tree(file) << " calls " << call;
    }
}

TEST(Arrows, FilesStayReadable) {
    for (const auto& [room, may] : arrows) {
        for (const fs::path& file : sources(room)) {
            std::ifstream in(file);
            std::size_t lines = 0;
            for (std::string line; std::getline(in, line);) ++lines;
            EXPECT_LE(lines, 600u) << path_in_tree(file);
        }
    }
}

}  // namespace
