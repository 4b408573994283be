// Runs the tests of one file of a room: ROOM_tests NAME runs those of NAME_test.cpp. Without a name it runs all.
#include <filesystem>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

namespace {

// gtest filters by names only.
std::string tests_of(const std::string& file) {
    std::string filter;
    const testing::UnitTest& all = *testing::UnitTest::GetInstance();
    for (int i = 0; i < all.total_test_suite_count(); ++i) {
        const testing::TestSuite& suite = *all.GetTestSuite(i);
        for (int j = 0; j < suite.total_test_count(); ++j) {
            const testing::TestInfo& test = *suite.GetTestInfo(j);
            if (std::filesystem::path(test.file()).filename() != file) continue;
            filter += std::string(":") + suite.name() + "." + test.name();
        }
    }
    return filter;
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc > 1) {
        const std::string filter = tests_of(argv[1] + std::string("_test.cpp"));
        if (filter.empty()) {
            std::cerr << "no tests of " << argv[1] << '\n';
            return 2;
        }
        GTEST_FLAG_SET(filter, filter);
    }
    return RUN_ALL_TESTS();
}
