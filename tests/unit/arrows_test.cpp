// Reads the tree: which room includes what, against the table in docs/architecture.md. A wrong arrow is a design
// mistake that no compiler sees.
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

// Room -> rooms it may include: the rows of docs/architecture.md. A single header of another room is named in full.
std::map<std::string, Names> read_arrows() {
    std::map<std::string, Names> arrows;
    std::ifstream page(root / "docs" / "architecture.md");
    std::string line;
    while (std::getline(page, line) && line != "## Rooms") continue;
    const std::regex row("^\\| `([^`]+)` \\| (.*) \\|$");
    const std::regex name("`([^`]+)`");
    while (std::getline(page, line) && !line.starts_with("## ")) {
        std::smatch cells;
        if (!std::regex_match(line, cells, row)) continue;
        const std::string may = cells[2];
        Names& names = arrows[cells[1]];
        for (std::sregex_iterator at(may.begin(), may.end(), name), end; at != end; ++at) names.insert((*at)[1]);
    }
    return arrows;
}

const std::map<std::string, Names> arrows = read_arrows();

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

TEST(Arrows, PageNamesEachRoom) {
    for (const char* part : {"ctl", "health", "netlink", "vrrpd"}) {
        std::vector<fs::path> folders{root / part};
        for (const auto& entry : fs::recursive_directory_iterator(root / part)) {
            if (entry.is_directory()) folders.push_back(entry.path());
        }
        for (const fs::path& folder : folders) {
            const std::string room = path_in_tree(folder);
            if (room == "vrrpd" || sources(room).empty()) continue;  // puts the others together, and may include all
            EXPECT_TRUE(arrows.contains(room)) << room << " has no row in docs/architecture.md";
        }
    }
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
