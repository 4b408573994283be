// What root runs must be root's all the way to it.
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "vrrpd/config/load.hpp"
#include "vrrpd/config/trust.hpp"

namespace vrrpd::config::config_trust_test {
namespace {

namespace fs = std::filesystem;

class ConfigTrust : public testing::Test {
  protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root";
        char name[] = "/tmp/trust_test.XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        folder_ = name;
        chmod(name, 0755);
        fs::create_directory(folder_ / "bin");
        make(script());
    }
    void TearDown() override { fs::remove_all(folder_); }

    static void make(const fs::path& path) {
        std::ofstream(path) << "#!/bin/sh\n";
        chmod(path.c_str(), 0755);
    }
    fs::path bin() const { return folder_ / "bin"; }
    fs::path script() const { return bin() / "s"; }
    std::string verdict(const fs::path& path) const { return who_else_may_change(path.string()); }

    fs::path folder_;
};

TEST_F(ConfigTrust, TheSystemsProgramsAndRootsOwnAreSafe) {
    EXPECT_EQ(verdict("/usr/bin/true"), "");
    EXPECT_EQ(verdict("/bin/sh"), "") << "through links";
    EXPECT_EQ(verdict(script()), "") << "also below a sticky folder";
    EXPECT_EQ(verdict(folder_ / "nothing"), "") << "said elsewhere";
}

TEST_F(ConfigTrust, AFileThatOthersMayWriteIsNot) {
    chmod(script().c_str(), 0757);
    EXPECT_EQ(verdict(script()), "everybody may write to \"" + script().string() + "\"");
    chmod(script().c_str(), 0775);
    EXPECT_EQ(verdict(script()), "") << "the group is root's";
    ASSERT_EQ(chown(script().c_str(), 0, 65534), 0);
    EXPECT_EQ(verdict(script()), "group 65534 may write to \"" + script().string() + "\"");
    ASSERT_EQ(chown(script().c_str(), 65534, 0), 0);
    chmod(script().c_str(), 0755);
    EXPECT_EQ(verdict(script()), "\"" + script().string() + "\" belongs to user 65534");
}

TEST_F(ConfigTrust, NorIsAFolderAboveIt) {
    chmod(bin().c_str(), 0777);
    EXPECT_EQ(verdict(script()), "everybody may write to \"" + bin().string() + "\"");
    chmod(bin().c_str(), 01777);
    EXPECT_EQ(verdict(script()), "") << "sticky: nobody else can replace what is root's";
    chmod(bin().c_str(), 0755);
    ASSERT_EQ(chown(folder_.c_str(), 65534, 0), 0);
    EXPECT_EQ(verdict(script()), "\"" + folder_.string() + "\" belongs to user 65534");
}

TEST_F(ConfigTrust, NorIsAFolderOnTheWayOfALink) {
    const fs::path open = folder_ / "open";
    fs::create_directory(open);
    fs::create_symlink(script(), open / "link");
    fs::create_symlink("../open/link", bin() / "outer");
    EXPECT_EQ(verdict(bin() / "outer"), "");
    chmod(open.c_str(), 0777);
    EXPECT_EQ(verdict(bin() / "outer"), "everybody may write to \"" + open.string() + "\"");
    chmod(open.c_str(), 0755);
    ASSERT_EQ(lchown((open / "link").c_str(), 65534, 0), 0);
    EXPECT_EQ(verdict(bin() / "outer"), "\"" + (open / "link").string() + "\" belongs to user 65534");
    fs::create_symlink("loop", bin() / "loop");
    EXPECT_NE(verdict(bin() / "loop"), "");
}

TEST_F(ConfigTrust, AConfigurationIsRefusedOnlyIfTheScriptRunsAsRoot) {
    chmod(script().c_str(), 0757);
    const auto problems = [&](const std::string& user) {
        std::string lines;
        for (const Problem& problem :
             load_text("[vrrp_instance A]\ninterface = eth0\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.1\n"
                       "track_check = c\n[check c]\ntype = script\ncommand = " +
                           script().string() + "\nuser = " + user + "\n",
                       "t")
                 .problems) {
            lines += to_string(problem) + "\n";
        }
        return lines;
    };
    EXPECT_EQ(problems("nobody"), "");
    EXPECT_NE(problems("root").find("t:8: [check c] command: would run as root, but everybody may write to"),
              std::string::npos)
        << problems("root");
}

TEST_F(ConfigTrust, NeitherAHookThatOthersMayWrite) {
    chmod(script().c_str(), 0757);
    const auto problems = [&](const std::string& user) {
        std::string lines;
        for (const Problem& problem : load_text("[global]\nscript_user = " + user +
                                                    "\n[vrrp_instance A]\ninterface = eth0\nvirtual_router_id = 1\n"
                                                    "virtual_ipaddress = 10.0.0.1\nnotify_master = " +
                                                    script().string() + "\n",
                                                "t")
                                          .problems) {
            lines += to_string(problem) + "\n";
        }
        return lines;
    };
    EXPECT_EQ(problems("nobody"), "");
    EXPECT_NE(problems("root").find("t:7: [vrrp_instance A] notify_master: would run as root, but everybody may write"),
              std::string::npos)
        << problems("root");
}

TEST(ConfigLocalFiles, AreThoseThatCannotHang) {
    for (const char* path : {"/", "/proc/version", "/run/no/such/folder/file", "/tmp/x"}) {
        EXPECT_EQ(hanging_file_system(path), "") << path;
    }
}

}  // namespace
}  // namespace vrrpd::config::config_trust_test
