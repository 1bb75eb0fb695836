#include "test/bench/child_process.hpp"

#include "test/bench/measure.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <netinet/in.h>
#include <set>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace expbuild::bench {

namespace {

pid_t spawn(std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (auto& x : arguments)
    argv.push_back(x.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  ::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
  return pid;
}

/// Those that live: a measurement that fails leaves by std::exit, past all destructors.
class children {
public:
  static children& all() {
    static children instance;
    return instance;
  }
  ~children() {
    for (const auto pid : pids_)
      ::kill(pid, SIGTERM);
  }
  void add(pid_t pid) {
    const std::lock_guard lock(guard_);
    pids_.insert(pid);
  }
  void remove(pid_t pid) {
    const std::lock_guard lock(guard_);
    pids_.erase(pid);
  }

private:
  std::mutex guard_;
  std::set<pid_t> pids_;
};

double resident_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

} // namespace

child_process::child_process(std::vector<std::string> arguments) : pid_(spawn(arguments)) {
  children::all().add(pid_);
}

child_process::~child_process() {
  children::all().remove(pid_);
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

std::vector<pid_t> child_process::family() const {
  std::vector<pid_t> all{pid_};
  std::error_code error;
  const auto tasks = "/proc/" + std::to_string(pid_) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;)
      all.push_back(child);
  }
  return all;
}

double child_process::cpu_seconds() const {
  double sum = 0;
  for (const auto pid : family())
    sum += bench::cpu_seconds(pid);
  return sum;
}

double child_process::resident_mib() const {
  double sum = 0;
  for (const auto pid : family())
    sum += resident_of(pid);
  return sum;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

void spawn_true() {
  std::vector<std::string> program{"/bin/true"};
  ::waitpid(spawn(program), nullptr, 0);
}

} // namespace expbuild::bench
