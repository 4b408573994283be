// The control socket: conversations over a real socket and the production loop; what slow clients may cost, on a
// clock turned by hand; the file and who may use it. Needs root.
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <grp.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/support/fake_loop.hpp"
#include "vrrpd/io/control_server.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"

namespace vrrpd::io_control_test {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
namespace fs = std::filesystem;

constexpr gid_t some_group = 1;  // daemon
constexpr uid_t stranger = 65534;

// echo [WORD...]: the words; big N: N times "x"; junk: bytes that are no text.
ControlServer::Answer answer(const ControlServer::Request& request) {
    if (request.command == "echo") {
        std::string words;
        for (const std::string& argument : request.arguments) words += "<" + argument + ">";
        return {true, words};
    }
    if (request.command == "big") return {true, std::string(std::stoul(request.arguments.at(0)), 'x')};
    if (request.command == "junk") return {true, "\xff\n\""};
    return {false, "unknown command"};
}

std::string echo(const std::string& word) {
    return R"({"version":1,"command":"echo","arguments":[")" + word + "\"]}\n";
}
std::string big(std::size_t size) {
    return R"({"version":1,"command":"big","arguments":[")" + std::to_string(size) + "\"]}\n";
}
std::string good(const std::string& text) {
    return R"({"version":1,"ok":true,"text":")" + text + "\"}\n";
}
std::string error(const std::string& text) {
    return R"({"version":1,"ok":false,"error":")" + text + "\"}\n";
}
const std::string ping = echo("");

class Folder {
  public:
    Folder() {
        char name[] = "/tmp/vrrpd-control-XXXXXX";
        if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
        chmod(name, 0755);
    }
    ~Folder() { fs::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

class Caller {
  public:
    explicit Caller(const std::string& path) : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) error_ = errno;
        const timeval limit{5, 0};
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }

    int error() const { return error_; }
    Caller& say(const std::string& text) {
        send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        return *this;
    }
    /// One line with its end. If there is none: what there was when the server closed, or "silence" after five
    /// seconds, with MSG_DONTWAIT at once.
    std::string line(int flags = 0) {
        std::array<char, 65536> piece;
        while (heard_.find('\n') == std::string::npos) {
            const ssize_t got = recv(socket_.get(), piece.data(), piece.size(), flags);
            if (got < 0 && errno == EAGAIN) return "silence";
            if (got <= 0) return std::exchange(heard_, {});
            heard_.append(piece.data(), static_cast<std::size_t>(got));
        }
        const std::size_t end = heard_.find('\n') + 1;
        const std::string line = heard_.substr(0, end);
        heard_.erase(0, end);
        return line;
    }
    std::string ask(const std::string& text) { return say(text).line(); }
    /// Also after unread requests, which make it a reset.
    bool closed(int flags = 0) {
        char character = 0;
        const ssize_t got = recv(socket_.get(), &character, 1, flags);
        return got == 0 || (got < 0 && errno == ECONNRESET);
    }
    void finish() { shutdown(socket_.get(), SHUT_WR); }
    Descriptor& socket_descriptor() { return socket_; }

  private:
    Descriptor socket_;
    std::string heard_;
    int error_ = 0;
};

// A server on the production loop, in a thread of its own.
class ServedByThread {
  public:
    explicit ServedByThread(const ControlServer::Options& options) {
        int ends[2];
        if (pipe(ends) != 0) throw std::runtime_error("pipe");
        stop_ = Descriptor(ends[1]);
        std::promise<void> listening;
        auto ready = listening.get_future();
        thread_ = std::thread([&, stopped = Descriptor(ends[0])] {
            SdEventLoop loop;
            const ControlServer server(loop, options, answer);
            const auto watch = loop.watch(
                stopped.get(), hang_up, [&](std::uint32_t) { loop.quit(0); }, Urgency::normal);
            listening.set_value();
            loop.run();
        });
        ready.wait();
    }
    ~ServedByThread() {
        stop_.reset();
        thread_.join();
    }

  private:
    Descriptor stop_;
    std::thread thread_;
};

class Conversation : public testing::Test {
  protected:
    const Folder folder;
    const std::string path = folder / "control";
    const ServedByThread server{{path, ""}};
    Caller caller{path};
};

TEST_F(Conversation, OneLineInOneLineOut) {
    EXPECT_EQ(caller.ask(R"({"version":1,"command":"echo"})"
                         "\n"),
              good(""));
    EXPECT_EQ(caller.ask(echo("one\",\"two")), good("<one><two>"));
}

TEST_F(Conversation, ManyRequestsInOnePiece) {
    caller.say(echo("1") + echo("2") + ping + echo("3"));
    for (const char* expected : {"<1>", "<2>", "<>", "<3>"}) EXPECT_EQ(caller.line(), good(expected));
}

TEST_F(Conversation, OneRequestInManyPieces) {
    for (const char character : echo("slowly")) caller.say(std::string(1, character));
    EXPECT_EQ(caller.line(), good("<slowly>"));
}

TEST_F(Conversation, AClientThatHasSaidAllIsAnswered) {
    caller.say(echo("1") + echo("2"));
    caller.finish();
    EXPECT_EQ(caller.line(), good("<1>"));
    EXPECT_EQ(caller.line(), good("<2>"));
    EXPECT_TRUE(caller.closed());
}

TEST_F(Conversation, WrongRequestsAreNamedAndEndNothing) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "not a JSON object"},
        {"metrics", "not a JSON object"},
        {"[1]", "not a JSON object"},
        {std::string(4000, '['), "not a JSON object"},
        {R"({"version":1,"command":"echo"}})", "not a JSON object"},
        {"{\"version\":1,\"command\":\"\xff\"}", "not a JSON object"},
        {"{}", R"(\"version\" must be 1)"},
        {R"({"command":"echo"})", R"(\"version\" must be 1)"},
        {R"({"version":2,"command":"echo","new":1})", R"(\"version\" must be 1)"},
        {R"({"version":"1","command":"echo"})", R"(\"version\" must be 1)"},
        {R"({"version":1})", R"(\"command\" must be a string)"},
        {R"({"version":1,"command":["echo"]})", R"(\"command\" must be a string)"},
        {R"({"version":1,"command":"echo","arguments":"x"})", R"(\"arguments\" must be a list of strings)"},
        {R"({"version":1,"command":"echo","arguments":[1]})", R"(\"arguments\" must be a list of strings)"},
        {R"({"version":1,"command":"echo","argument":[]})", R"(unknown member \"argument\")"},
        {R"({"version":1,"command":"sing"})", "unknown command"},
    };
    for (const auto& [request, expected] : cases) EXPECT_EQ(caller.ask(request + "\n"), error(expected)) << request;
    EXPECT_EQ(caller.ask(ping), good("<>"));
}

TEST_F(Conversation, TheLongestRequestIsTakenAndNoLonger) {
    const std::string most(ControlServer::longest_request + 1 - ping.size(), 'x');
    const std::string longest = echo(most);
    ASSERT_EQ(longest.size(), 4096u + 1);
    EXPECT_EQ(caller.ask(longest), good("<" + most + ">"));
    EXPECT_EQ(caller.ask(std::string(4097, 'x')), error("a request has at most 4096 bytes"));
    EXPECT_TRUE(caller.closed());
}

TEST_F(Conversation, AnEndlessRequestIsCutOff) {
    EXPECT_EQ(caller.ask(std::string(100'000, 'x')), error("a request has at most 4096 bytes"));
    EXPECT_TRUE(caller.closed());
}

TEST_F(Conversation, BytesThatAreNoTextAreReplaced) {
    EXPECT_EQ(caller.ask(R"({"version":1,"command":"junk"})"
                         "\n"),
              good("\xef\xbf\xbd\\n\\\""));
}

TEST_F(Conversation, ABigAnswerArrivesWhole) {
    const std::size_t most = ControlServer::longest_answer - good("").size();
    EXPECT_EQ(caller.ask(big(most)), good(std::string(most, 'x')));
    EXPECT_EQ(caller.ask(big(most + 1)),
              error(fmt::format("the answer has {} bytes, more than {}", ControlServer::longest_answer + 1,
                                ControlServer::longest_answer)));
    EXPECT_EQ(caller.ask(ping), good("<>"));
}

TEST_F(Conversation, ASlowClientHoldsUpNobody) {
    caller.say(big(1'000'000));
    for (int i = 0; i < 100; ++i) {
        Caller other(path);
        EXPECT_EQ(other.ask(ping), good("<>"));
    }
    EXPECT_EQ(caller.line().size(), good("").size() + 1'000'000);
}

TEST_F(Conversation, TheSeventeenthClientIsTold) {
    EXPECT_EQ(caller.ask(ping), good("<>"));
    std::vector<std::unique_ptr<Caller>> others;
    for (int i = 1; i < 16; ++i) {
        others.push_back(std::make_unique<Caller>(path));
        EXPECT_EQ(others.back()->ask(ping), good("<>"));
    }
    Caller further(path);
    EXPECT_EQ(further.line(), error("more than 16 clients"));
    EXPECT_TRUE(further.closed());
    EXPECT_EQ(caller.ask(ping), good("<>"));
    caller.finish();
    EXPECT_TRUE(caller.closed());
    EXPECT_EQ(Caller(path).ask(ping), good("<>"));
}

// ---- what a client may cost

class OnAHandTurnedClock : public testing::Test {
  protected:
    void settle() {
        while (loop.poll_once(0ms)) {
        }
    }

    const Folder folder;
    const std::string path = folder / "control";
    FakeLoop loop;
    int asked = 0;
    ControlServer server{loop, {path, ""}, [this](const ControlServer::Request& request) {
                             ++asked;
                             return answer(request);
                         }};
    Caller caller{path};
};

TEST_F(OnAHandTurnedClock, AWakeUpAnswersOneRequest) {
    caller.say(ping + ping + ping);
    EXPECT_TRUE(loop.poll_once());  // the client comes
    for (int expected = 1; expected <= 3; ++expected) {
        EXPECT_TRUE(loop.poll_once());
        EXPECT_EQ(asked, expected);
    }
    EXPECT_FALSE(loop.poll_once(0ms));
}

TEST_F(OnAHandTurnedClock, AnAnswerMustLeaveBeforeTheNextRequestIsTaken) {
    caller.say(big(1'000'000) + ping + ping);
    settle();
    EXPECT_EQ(asked, 1);
}

TEST_F(OnAHandTurnedClock, AClientThatSaysNothingIsClosedAfterTenSeconds) {
    settle();
    loop.advance(ControlServer::patience - 1ms);
    EXPECT_EQ(caller.line(MSG_DONTWAIT), "silence");
    loop.advance(1ms);
    EXPECT_TRUE(caller.closed(MSG_DONTWAIT));
    EXPECT_EQ(loop.next_deadline(), never);
}

// Else a byte now and then would keep its place for hours.
TEST_F(OnAHandTurnedClock, PiecesOfARequestBuyNoTime) {
    settle();
    for (int i = 0; i < 9; ++i) {
        loop.advance(1s);
        caller.say("{");
        settle();
    }
    EXPECT_EQ(caller.line(MSG_DONTWAIT), "silence");
    loop.advance(1s);
    EXPECT_TRUE(caller.closed(MSG_DONTWAIT));
}

TEST_F(OnAHandTurnedClock, AnAnswerBuysTime) {
    for (int i = 0; i < 3; ++i) {
        caller.say(ping);
        settle();
        EXPECT_EQ(caller.line(MSG_DONTWAIT), good("<>"));
        loop.advance(ControlServer::patience - 1ms);
    }
    EXPECT_EQ(caller.line(MSG_DONTWAIT), "silence");
}

TEST_F(OnAHandTurnedClock, AClientThatReadsNothingIsClosedTenSecondsAfterTheLastByteLeft) {
    settle();
    caller.say(big(1'000'000));
    loop.advance(5s);
    settle();
    loop.advance(ControlServer::patience - 1ms);
    std::string taken(500'000, ' ');
    ssize_t got = recv(caller.socket_descriptor().get(), taken.data(), taken.size(), MSG_DONTWAIT);
    ASSERT_GT(got, 0);
    settle();  // more leaves
    loop.advance(ControlServer::patience - 1ms);
    EXPECT_NE(loop.next_deadline(), never);
    loop.advance(1ms);
    EXPECT_EQ(loop.next_deadline(), never);
    ssize_t total = got;
    while ((got = recv(caller.socket_descriptor().get(), taken.data(), taken.size(), MSG_DONTWAIT)) > 0) total += got;
    EXPECT_EQ(got, 0);
    EXPECT_LT(total, 1'000'000);
}

TEST_F(OnAHandTurnedClock, TheBoundOfARequestCountsAllItsPieces) {
    caller.say(std::string(3000, 'x'));
    settle();
    caller.say(std::string(2000, 'x') + "\n");
    settle();
    EXPECT_EQ(caller.line(MSG_DONTWAIT), error("a request has at most 4096 bytes"));
}

TEST_F(OnAHandTurnedClock, ARequestIsCarriedOutThoughItsClientIsGone) {
    caller.say(ping);
    caller.socket_descriptor().reset();
    settle();
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(OnAHandTurnedClock, AClientThatGoesMidwayIsForgotten) {
    caller.say(big(1'000'000));
    settle();
    caller.socket_descriptor().reset();
    EXPECT_TRUE(loop.poll_once());
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_FALSE(loop.poll_once(0ms));
}

TEST_F(OnAHandTurnedClock, WithoutDescriptorsItWaitsInsteadOfSpinning) {
    const int free_descriptor = dup(caller.socket_descriptor().get());
    close(free_descriptor);
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{static_cast<rlim_t>(free_descriptor), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    EXPECT_TRUE(loop.poll_once());
    EXPECT_FALSE(loop.poll_once(0ms));
    setrlimit(RLIMIT_NOFILE, &before);
    caller.say(ping);
    EXPECT_FALSE(loop.poll_once(0ms));
    loop.advance(1s);
    settle();
    EXPECT_EQ(caller.line(MSG_DONTWAIT), good("<>"));
}

// ---- the file

class SocketFile : public testing::Test {
  protected:
    std::unique_ptr<ControlServer> serve(const std::string& group = {}) {
        return std::make_unique<ControlServer>(loop, ControlServer::Options{path, group}, answer);
    }
    std::string refusal(const std::string& group = {}) {
        try {
            serve(group);
            return "none";
        } catch (const std::runtime_error& problem) {
            return problem.what();
        }
    }
    struct stat file() const {
        struct stat there {};
        EXPECT_EQ(lstat(path.c_str(), &there), 0) << path;
        return there;
    }
    // A bound socket that nobody listens to, as a killed daemon leaves it.
    static void leave_socket(const std::string& at) {
        const Descriptor left(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        at.copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(bind(left.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }

    const Folder folder;
    std::string path = folder / "control";
    FakeLoop loop;
};

TEST_F(SocketFile, IsForRootAlone) {
    const auto server = serve();
    EXPECT_EQ(file().st_mode, static_cast<mode_t>(S_IFSOCK | 0600));
    EXPECT_EQ(file().st_uid, 0u);
}

TEST_F(SocketFile, IsForTheGroup) {
    const auto server = serve(getgrgid(some_group)->gr_name);
    EXPECT_EQ(file().st_mode, static_cast<mode_t>(S_IFSOCK | 0660));
    EXPECT_EQ(file().st_gid, some_group);
}

TEST_F(SocketFile, AppearsComplete) {
    const Descriptor notices(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    inotify_add_watch(notices.get(), (folder / "").c_str(), IN_ALL_EVENTS);
    const auto server = serve(getgrgid(some_group)->gr_name);
    alignas(inotify_event) char buffer[4096];
    const ssize_t size = read(notices.get(), buffer, sizeof buffer);
    std::string seen;
    for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        const std::string name = event->len > 0 ? event->name : "";
        if (name == "control") seen += (event->mask & IN_MOVED_TO) != 0 ? "moved " : "other ";
        at += static_cast<ssize_t>(sizeof *event + event->len);
    }
    EXPECT_EQ(seen, "moved ");
    EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(SocketFile, GoesWithTheServer) {
    serve().reset();
    EXPECT_FALSE(fs::exists(fs::symlink_status(path)));
}

TEST_F(SocketFile, OfASuccessorStays) {
    auto server = serve();
    fs::remove(path);
    leave_socket(path);
    server.reset();
    EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(SocketFile, OfADeadPredecessorIsReplaced) {
    leave_socket(path);
    leave_socket(path + ".new");
    const auto server = serve();
    Caller caller(path);
    EXPECT_EQ(caller.error(), 0);
    EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(SocketFile, InUseIsNotReplaced) {
    const auto server = serve();
    const ino_t before = file().st_ino;
    EXPECT_EQ(refusal(), "no control socket: " + path + " is in use by another process");
    EXPECT_EQ(file().st_ino, before);
}

TEST_F(SocketFile, OfAnotherKindIsNotReplaced) {
    for (const std::string& name : {path, path + ".new"}) {
        std::ofstream(name) << "precious";
        EXPECT_EQ(refusal(), "no control socket: " + name + " is there and is no socket");
        std::ifstream content(name);
        std::string word;
        content >> word;
        EXPECT_EQ(word, "precious");
        fs::remove(name);
    }
    fs::create_symlink(folder / "elsewhere", path);
    EXPECT_EQ(refusal(), "no control socket: " + path + " is there and is no socket");
    EXPECT_TRUE(fs::is_symlink(path));
}

TEST_F(SocketFile, GetsItsFolder) {
    path = folder / "run/control";
    const auto server = serve();
    EXPECT_EQ(fs::status(folder / "run").permissions(), fs::perms(0755));
    path = folder / "no/such/control";
    EXPECT_EQ(refusal(), "no control socket: " + (folder / "no/such") + ": No such file or directory");
}

TEST_F(SocketFile, WithoutAGroupOrWithALongNameIsRefused) {
    EXPECT_EQ(refusal("no-such-group"), "no control socket: there is no group no-such-group");
    EXPECT_FALSE(fs::exists(path));
    path = folder / std::string(100, 'x');
    EXPECT_EQ(refusal(), "no control socket: the path " + path + ".new is too long");
}

// ---- who may use it

// As the unit runs it: another user than root, of no further group, with the right to change groups.
bool become_daemon_user() {
    constexpr std::uint32_t set_group = 1u << CAP_SETGID;
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{set_group, set_group, 0}, {0, 0, 0}};
    return prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, nullptr) == 0 && setgid(stranger) == 0 &&
           setuid(stranger) == 0 && syscall(SYS_capset, &header, sets) == 0;
}

TEST_F(SocketFile, OfADaemonThatIsNotRootBelongsToTheGroupToo) {
    fs::permissions(fs::path(path).parent_path(), fs::perms::all);
    const pid_t child = fork();
    if (child == 0) {
        if (!become_daemon_user()) _exit(1);
        const auto server = serve(getgrgid(some_group)->gr_name);
        _exit(file().st_gid == some_group && (file().st_mode & 07777) == 0660 && file().st_uid == stranger ? 0 : 2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

// What a process with these credentials hears from the server at `path`.
std::string heard_by(const std::string& path, uid_t user, gid_t group, const std::vector<gid_t>& further) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    const Descriptor output(ends[0]);
    Descriptor input(ends[1]);
    const pid_t child = fork();
    if (child == 0) {
        if (setgroups(further.size(), further.data()) != 0 || setgid(group) != 0 || setuid(user) != 0) _exit(1);
        Caller caller(path);
        const std::string heard = caller.error() != 0 ? std::string(strerror(caller.error())) : caller.ask(ping);
        _exit(write(input.get(), heard.data(), heard.size()) < 0 ? 1 : 0);
    }
    input.reset();
    char buffer[256];
    const ssize_t size = read(output.get(), buffer, sizeof buffer);
    waitpid(child, nullptr, 0);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST(WhoMayUseIt, TheFileKeepsStrangersOut) {
    const Folder folder;
    const ServedByThread server({folder / "control", getgrgid(some_group)->gr_name});
    EXPECT_EQ(heard_by(folder / "control", stranger, stranger, {}), "Permission denied");
    EXPECT_EQ(heard_by(folder / "control", stranger, some_group, {}), good("<>"));
    EXPECT_EQ(heard_by(folder / "control", stranger, stranger, {7, some_group}), good("<>"));
}

// A mode that somebody widened lets nobody in.
TEST(WhoMayUseIt, TheServerKeepsThemOutAsWell) {
    const Folder folder;
    std::vector<gid_t> many(200, stranger);
    for (const std::string& group : {std::string(), std::string(getgrgid(some_group)->gr_name)}) {
        const ServedByThread server({folder / "control", group});
        chmod((folder / "control").c_str(), 0666);
        many.back() = some_group;
        const std::string member = group.empty() ? error("not allowed") : good("<>");
        EXPECT_EQ(heard_by(folder / "control", 0, 0, {}), good("<>"));
        EXPECT_EQ(heard_by(folder / "control", stranger, stranger, {7, 8}), error("not allowed"));
        EXPECT_EQ(heard_by(folder / "control", stranger, some_group, {}), member);
        EXPECT_EQ(heard_by(folder / "control", stranger, stranger, many), member);
    }
}

}  // namespace
}  // namespace vrrpd::io_control_test
