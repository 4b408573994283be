// Calls a fuzz target with each file that is named, and each below a folder that is named.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/fuzz/fuzz.hpp"

namespace {

namespace fs = std::filesystem;

void replay(const fs::path& file) {
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error(file.string() + " cannot be read");
    const std::vector<char> text(std::istreambuf_iterator<char>(in), {});
    const vrrpd::fuzz::Bytes input(text.begin(), text.end());  // no byte longer than the file
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

int replay_all(const std::vector<fs::path>& places) {
    int count = 0;
    for (const fs::path& place : places) {
        if (!fs::is_directory(place)) {
            replay(place), ++count;
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(place)) {
            if (entry.is_regular_file()) replay(entry.path()), ++count;
        }
    }
    return count;
}

}  // namespace

int main(int count, char** arguments) try {
    const int replayed = replay_all({arguments + 1, arguments + count});
    std::printf("%d inputs\n", replayed);
    return replayed > 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
