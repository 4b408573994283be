// `vrrpd --check` over real files: exit codes, includes, rights, the samples, and ten mistakes in one run.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "vrrpd/config/check_command.hpp"
#include "vrrpd/config/load.hpp"

namespace vrrpd::config::config_check_test {
namespace {

namespace fs = std::filesystem;

const std::string good =
    "[vrrp_instance A]\ninterface = eth0\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.1/24\n";

class ConfigCheck : public testing::Test {
  protected:
    ConfigCheck() {
        std::string pattern = (fs::temp_directory_path() / "vrrpd-config-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~ConfigCheck() override { fs::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) {
        const fs::path path = folder_ / name;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        return path.string();
    }

    int check(const std::vector<std::string>& files) {
        out_.str({});
        err_.str({});
        return check_files(files, out_, err_);
    }

    /// What was written to `err`, without the folder.
    std::string errors() const {
        std::string text = err_.str();
        const std::string prefix = folder_.string() + "/";
        for (auto found = text.find(prefix); found != std::string::npos; found = text.find(prefix)) {
            text.erase(found, prefix.size());
        }
        return text;
    }

    fs::path folder_;
    std::ostringstream out_, err_;
};

TEST_F(ConfigCheck, AValidFileIsToldWhatTwoHostsMayHold) {
    const auto path = write("a.ini", good);
    EXPECT_EQ(check({path}), 0);
    EXPECT_EQ(out_.str(), path +
                              ": valid: 1 instance, 0 checks, 0 services\n"
                              "A: adverts every 1s, lease 2s: two holders for at most 0 s; "
                              "without the guard for at most 0.5 s\n");
    EXPECT_EQ(errors(), "");
}

TEST_F(ConfigCheck, InstancesWithTheSameBoundsShareALine) {
    const auto path = write("a.ini", "[global]\nvip_lease = off\n" + good +
                                         "[vrrp_instance B]\ninterface = eth0\nvirtual_router_id = 2\n"
                                         "virtual_ipaddress = 10.0.0.2\n");
    EXPECT_EQ(check({path}), 0);
    EXPECT_NE(out_.str().find("A and 1 more: adverts every 1s, no lease: two holders for at most 0 s; "
                              "without the guard until somebody acts\n"),
              std::string::npos)
        << out_.str();
}

TEST_F(ConfigCheck, ALeaseMustOutliveTheNextAdvert) {
    const auto with = [&](const char* lease, const char* interval) {
        return check(
            {write("a.ini", fmt::format("[global]\nvip_lease = {}\n{}advert_int = {}\n", lease, good, interval))});
    };
    EXPECT_EQ(with("2s", "1.5s"), 0);
    EXPECT_EQ(with("auto", "40s"), 0);
    EXPECT_EQ(with("2s", "1.6s"), 2);
    EXPECT_EQ(errors(),
              "a.ini:2: [global] vip_lease: 2s is too short for A, which adverts every 1.6s: at least 3s, or auto\n");
    for (const char* wrong : {"1500ms", "0s", "2h", "never"}) EXPECT_EQ(with(wrong, "1s"), 2) << wrong;
}

TEST_F(ConfigCheck, WarningsExitWith1) {
    const auto path = write("a.ini", good + "down_timer_adverts = 4\n");
    EXPECT_EQ(check({path, write("b.ini", good)}), 1);
    EXPECT_NE(out_.str().find(": valid with 1 warning: 1 instance"), std::string::npos);
    EXPECT_TRUE(errors().starts_with("a.ini:5: [vrrp_instance A] down_timer_adverts: warning: ")) << errors();
}

TEST_F(ConfigCheck, SeveralFilesAreComparedToo) {
    const auto a = write("a.ini", good + "priority = 250\n");
    EXPECT_EQ(check({a, write("b.ini", good)}), 0) << errors();
    EXPECT_EQ(check({a, write("b.ini", good + "priority = 250\n")}), 1);
    EXPECT_EQ(check({a, write("b.ini", good + "version = 2\n")}), 2);
    EXPECT_EQ(
        errors(),
        "a.ini: [vrrp_instance A] version: 3, but 2 in [vrrp_instance A] of b.ini: neither understands the other, "
        "both would be MASTER\n");
    // What is not valid cannot be compared; its own errors come first.
    EXPECT_EQ(check({a, write("b.ini", good + "version = 4\n")}), 2);
    EXPECT_TRUE(errors().starts_with("b.ini:5: [vrrp_instance A] version: ")) << errors();
}

TEST_F(ConfigCheck, TenMistakesAreTenMessages) {
    const auto path = write("a.ini", R"([global]
log_level = loud

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 300
priorty = 250
advert_int = 100abc
virtual_ipaddress = 192.168.30.16/24, 192.168.30.256
track_check = memcache
nopreempt

[check memcached]
type = memcached
address = 127.0.0.1
interval = 18446744073709551616
timeout = 300ms
timeout = 400ms
)");
    EXPECT_EQ(check({path}), 2);
    EXPECT_EQ(out_.str(), "");
    std::istringstream lines(errors());
    std::vector<std::string> places;
    for (std::string line; std::getline(lines, line);)
        places.push_back(line.substr(0, line.find(": ", line.find("] "))));
    EXPECT_EQ(places,
              (std::vector<std::string>{
                  "a.ini:2: [global] log_level", "a.ini:6: [vrrp_instance VI_1] virtual_router_id",
                  "a.ini:7: [vrrp_instance VI_1] priorty", "a.ini:8: [vrrp_instance VI_1] advert_int",
                  "a.ini:9: [vrrp_instance VI_1] virtual_ipaddress", "a.ini:10: [vrrp_instance VI_1] track_check",
                  "a.ini:11: [vrrp_instance VI_1]: \"nopreempt\" has no =, allowed is [kind NAME] or key = value",
                  "a.ini:15: [check memcached] address", "a.ini:16: [check memcached] interval",
                  "a.ini:18: [check memcached] timeout"}))
        << errors();
}

TEST_F(ConfigCheck, UnreadableFilesExitWith2) {
    EXPECT_EQ(check({(folder_ / "none.ini").string()}), 2);
    EXPECT_EQ(errors(), "none.ini: cannot be read: No such file or directory\n");
    EXPECT_EQ(check({folder_.string()}), 2);
    EXPECT_EQ(err_.str(), folder_.string() + ": is no regular file\n");
    const auto fifo = (folder_ / "fifo").string();
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(check({fifo}), 2);
    EXPECT_EQ(errors(), "fifo: is no regular file\n");
    EXPECT_EQ(check({write("big.ini", good + std::string(1024 * 1024, '\n'))}), 2);
    EXPECT_EQ(errors(), "big.ini: has more than 1048576 bytes, which is the limit\n");
}

TEST_F(ConfigCheck, AFileThatEverybodyMayWriteIsRefused) {
    const auto path = write("a.ini", good);
    fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
    EXPECT_EQ(check({path}), 2);
    EXPECT_EQ(errors(), "a.ini: may be written by everybody, take that right away (chmod o-w)\n");
}

TEST_F(ConfigCheck, IncludesAreRelativeAndInOrder) {
    write("conf.d/b.ini", "[check b]\ntype = tcp\naddress = x\n");
    write("conf.d/a.ini", "[global]\ninclude = more.ini\n[check a]\ntype = tcp\naddress = y\n");
    write("conf.d/more.ini", "[check m]\ntype = tcp\naddress = z\n");
    const auto path =
        write("main.ini", "[global]\ninclude = conf.d/[ab].ini, none.d/*.ini\n" + good + "priority = 0\n");
    EXPECT_EQ(check({path}), 2);
    std::vector<std::string> places;
    std::istringstream lines(errors());
    for (std::string line; std::getline(lines, line);) places.push_back(line.substr(0, line.find(' ')));
    EXPECT_EQ(places,
              (std::vector<std::string>{"main.ini:7:", "conf.d/a.ini:5:", "conf.d/more.ini:3:", "conf.d/b.ini:3:"}));
}

TEST_F(ConfigCheck, IncludesThatCannotBe) {
    const auto path =
        write("main.ini", "[global]\ninclude = none.ini\ninclude = main.ini\ninclude = a.ini, a.ini\n" + good);
    write("a.ini", "[check c]\ntype = tcp\naddress = 127.0.0.1:1\n");
    EXPECT_EQ(check({path}), 2);
    EXPECT_EQ(errors(),
              "main.ini:2: [global] include: \"none.ini\" does not exist\n"
              "main.ini:3: [global] include: \"main.ini\" is included twice, each file may be there once\n"
              "main.ini:4: [global] include: \"a.ini\" is included twice, each file may be there once\n");
}

TEST_F(ConfigCheck, IncludesEndSomewhere) {
    for (int i = 0; i < 10; ++i) {
        write(std::to_string(i), "[global]\ninclude = " + std::to_string(i + 1) + "\n" + (i == 0 ? good : ""));
    }
    EXPECT_EQ(check({(folder_ / "0").string()}), 2);
    EXPECT_EQ(errors(), "8:2: [global] include: \"9\" is nested too deep, at most 8 levels are allowed\n");
}

TEST_F(ConfigCheck, SectionsOfSeveralFiles) {
    const auto path = write("main.ini", "[global]\ninclude = a.ini\nlog_level = info\n" + good);
    write("a.ini", "[global]\nlog_level = debug\nrouter_id = x\n[vrrp_instance A]\n");
    EXPECT_EQ(check({path}), 2);
    EXPECT_EQ(errors(),
              "a.ini:2: [global] log_level: is there twice, first in main.ini:3; allowed is one value\n"
              "a.ini:4: [vrrp_instance A]: is there twice, first in main.ini:4; names are unique\n");
}

TEST_F(ConfigCheck, PasswordsFromAFile) {
    const auto secret = write("secret", "12345678\nrest\n");
    const auto path = write("a.ini", good + "version = 2\nauth_type = PASS\nauth_pass_file = " + secret + "\n");
    EXPECT_EQ(check({path}), 0) << errors();
    EXPECT_EQ(load(path).config.instances[0].password, "12345678");
    write("secret", "123456789\n");
    EXPECT_EQ(check({path}), 2);
    EXPECT_EQ(errors(),
              "a.ini:7: [vrrp_instance A] auth_pass_file: its first line has 9 characters, allowed are 1 to 8\n");
}

/// What `--check` says of a check that reads its secret from `file`.
class ConfigCheckSecrets : public ConfigCheck {
  protected:
    std::string write_secret(const std::string& text, mode_t mode = 0640) {
        const std::string path = write("secret", text);
        chmod(path.c_str(), mode);
        return path;
    }
    std::string config(const std::string& type, const std::string& key, const std::string& file) {
        return write("a.ini", good + "track_check = c\n[check c]\ntype = " + type + "\naddress = 127.0.0.1:1\n" + key +
                                  " = " + file + "\n");
    }
    std::string complaint(const std::string& type, const std::string& key, const std::string& file) {
        EXPECT_EQ(check({config(type, key, file)}), 2);
        const std::string found = errors();
        const std::string start = "a.ini:9: [check c] " + key + ": ";
        EXPECT_EQ(found.substr(0, start.size()), start);
        EXPECT_EQ(found.find("pa55word"), std::string::npos) << "a password in a message: " << found;
        return found.substr(found.rfind('"') + 1);
    }
};

TEST_F(ConfigCheckSecrets, AreTheFirstLineOfAFile) {
    const std::string redis = config("redis", "password_file", write_secret("pa55 word\r\nrest\n"));
    EXPECT_EQ(load(redis).config.checks[0].redis.password, "pa55 word");
    const std::string cache = config("memcached", "auth_file", write_secret("joe:pa55word\nann:other\n"));
    EXPECT_EQ(load(cache).config.checks[0].memcached.credentials, "joe pa55word");
    const std::string key = load(cache).config.checks[0].memcached.key;
    EXPECT_EQ(key.substr(0, 12), "vrrpd_check_");
    EXPECT_GT(key.size(), 12u) << "the host's name";
}

TEST_F(ConfigCheckSecrets, AreNotForEverybodyAndOfBoundedSize) {
    const auto redis = [&](const std::string& file) { return complaint("redis", "password_file", file); };
    EXPECT_EQ(redis(write_secret("pa55word\n", 0644)), " may be read by everybody, take that right away (chmod o-r)\n");
    EXPECT_EQ(redis(write_secret("pa55word\n", 0602)),
              " may be written by everybody, take that right away (chmod o-w)\n");
    EXPECT_EQ(redis(write_secret(std::string(5000, 'x'), 0600)), " has more than 4096 bytes, which is the limit\n");
    EXPECT_EQ(redis(write_secret("\npa55word\n")), " has an empty first line\n");
    EXPECT_EQ(redis("/dev/null"), " is no regular file\n");
    EXPECT_EQ(redis("/no/such/file"), " cannot be read: No such file or directory\n");
}

TEST_F(ConfigCheckSecrets, OfMemcachedAreUserAndPassword) {
    for (const char* line : {"pa55word", ":pa55word", "pa55word:", "joe:pa55 word", "joe:pa55word\x01"}) {
        EXPECT_EQ(complaint("memcached", "auth_file", write_secret(line)),
                  " is not USER:PASSWORD, allowed are 512 visible characters\n")
            << line;
    }
}

TEST_F(ConfigCheck, H46_HostileFiles) {
    using namespace std::string_literals;
    for (const auto& text :
         {"[vrrp_instance A]\ninterface = "s + std::string(1000 * 1000, 'x'), "\0\0\0\0"s, good + "x\0y = 1"s,
          std::string(500 * 1000, '['), std::string(100 * 1000, '\n') + "=", good + std::string(5000, '"')}) {
        const auto path = write("a.ini", text);
        EXPECT_EQ(check({path}), 2);
        EXPECT_TRUE(errors().starts_with("a.ini:")) << errors();
        EXPECT_LT(errors().size(), 4096U);
    }
}

/// The samples of etc/ are what users start from: valid without a warning, and different in two lines only.
TEST_F(ConfigCheck, SamplesAreValid) {
    const fs::path samples = fs::path(SOURCE_ROOT) / "etc" / "recipes" / "s1";
    const auto a = load((samples / "cache-a.ini").string());
    const auto b = load((samples / "cache-b.ini").string());
    ASSERT_EQ(access("/usr/sbin/nutcracker", X_OK), 0) << "scripts/install-deps.sh test installs it";
    for (const auto& loaded : {a, b}) {
        for (const Problem& problem : loaded.problems) ADD_FAILURE() << to_string(problem);
        ASSERT_EQ(loaded.config.instances.size(), 1U);
        EXPECT_EQ(loaded.config.instances[0].virtual_router_id, 51);
        EXPECT_FALSE(loaded.config.instances[0].preempt);
    }
    EXPECT_EQ(a.config.instances[0].priority, 250);
    EXPECT_EQ(b.config.instances[0].priority, 249);

    std::ifstream file_a(samples / "cache-a.ini"), file_b(samples / "cache-b.ini");
    std::vector<std::string> different;
    for (std::string line_a, line_b; std::getline(file_a, line_a) && std::getline(file_b, line_b);) {
        if (line_a != line_b) different.push_back(line_a.substr(0, line_a.find(' ')));
    }
    EXPECT_EQ(different, (std::vector<std::string>{"router_id", "priority"}));
    const auto hooks = load((fs::path(SOURCE_ROOT) / "etc" / "hooks" / "hooks.ini").string());
    for (const Problem& problem : hooks.problems) ADD_FAILURE() << to_string(problem);
}

TEST_F(ConfigCheck, HooksArePrinted) {
    const auto path = write("a.ini", "[global]\nscript_user = root\n" + good +
                                         "before_master = /bin/true a\nnotify = /bin/true\nhook_timeout = 2s\n");
    EXPECT_EQ(check({path}), 0);
    EXPECT_NE(out_.str().find("A: hooks of at most 2s, as user 0\n  before_master: /bin/true a\n  notify: /bin/true\n"),
              std::string::npos)
        << out_.str();
}

}  // namespace
}  // namespace vrrpd::config::config_check_test
