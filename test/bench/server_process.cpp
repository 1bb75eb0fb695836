#include "test/bench/server_process.hpp"

#include "test/bench/measure.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace expbuild::bench {

namespace {

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

pid_t spawn(const char* program, char* const* arguments) {
  pid_t pid = -1;
  ::posix_spawn(&pid, program, nullptr, nullptr, arguments, environ);
  return pid;
}

} // namespace

server_process::server_process(const std::filesystem::path& program) : port_(free_port()) {
  std::string name = (std::filesystem::temp_directory_path() / "expbuild-bench-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  std::filesystem::permissions(folder_, std::filesystem::perms(0711));
  const auto config = (folder_ / "server.toml").string();
  std::ofstream(config) << "[server]\naddress = \"" << address() << "\"\n[http]\naddress = \"\"\n"
                        << "[storage.cas]\nroot_dir = \"" << (folder_ / "cas").string() << "\"\n"
                        << "[storage.action_cache]\nroot_dir = \"" << (folder_ / "cache").string()
                        << "\"\n[[execution.pool.workers]]\ntype = \"host\"\ncount = 2\n"
                        << "work_dir = \"" << (folder_ / "work").string() << "\"\n";
  ::setenv("EXPBUILD_LOG", "warn", 1);
  std::string path = program.string();
  std::string flag = "--config";
  std::string value = config;
  char* arguments[] = {path.data(), flag.data(), value.data(), nullptr};
  pid_ = spawn(path.c_str(), arguments);
}

server_process::~server_process() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string server_process::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

double server_process::cpu_seconds() const {
  auto sum = bench::cpu_seconds(pid_);
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;)
      sum += bench::cpu_seconds(child);
  }
  return sum;
}

void spawn_true() {
  std::string program = "/bin/true";
  char* arguments[] = {program.data(), nullptr};
  ::waitpid(spawn("/bin/true", arguments), nullptr, 0);
}

} // namespace expbuild::bench
