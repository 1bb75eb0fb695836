#include "test/bench/server_process.hpp"

#include <cstdlib>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace expbuild::bench {

std::string host_workers(const std::string& keys) {
  return "[[execution.pool.workers]]\ntype = \"host\"\ncount = 2\nwork_dir = \"FOLDER/work\"\n"
         + keys + "\n";
}

std::string docker_workers(const std::string& keys) {
  return "[docker]\nsocket = \"" + test_engine()
         + "\"\n[[execution.pool.workers]]\ntype = \"docker\"\ncount = 2\n"
           "work_dir = \"FOLDER/work\"\nimage = \"expbuild-test:host\"\n"
         + keys
         + "\n[[execution.pool.workers.volumes]]\nhost_path = \"/usr\"\n"
           "container_path = \"/usr\"\nread_only = true\n";
}

std::string test_engine() {
  const auto* socket = std::getenv("EXPBUILD_TEST_ENGINE");
  return socket == nullptr ? "" : socket;
}

server_process::server_process(const std::filesystem::path& program, std::string workers,
                               const std::string& cas_keys)
    : port_(free_port()) {
  std::string name = (std::filesystem::temp_directory_path() / "expbuild-bench-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  std::filesystem::permissions(folder_, std::filesystem::perms(0711));
  for (std::size_t at = 0; (at = workers.find("FOLDER")) != std::string::npos;)
    workers.replace(at, 6, folder_.string());
  const auto config = (folder_ / "server.toml").string();
  std::ofstream(config) << "[server]\naddress = \"" << address() << "\"\n[http]\naddress = \"\"\n"
                        << "[storage.cas]\nroot_dir = \"" << (folder_ / "cas").string() << "\"\n"
                        << cas_keys << "\n"
                        << "[storage.action_cache]\nroot_dir = \"" << (folder_ / "cache").string()
                        << "\"\n"
                        << workers;
  ::setenv("EXPBUILD_LOG", "warn", 1);
  command_ = {program.string(), "--config", config};
  process_ = std::make_unique<child_process>(command_);
}

void server_process::start() {
  process_ = std::make_unique<child_process>(command_);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port_));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (bool connected = false; !connected;) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    ::close(fd);
    if (!connected)
      ::usleep(1000);
  }
}

server_process::~server_process() {
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string server_process::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

} // namespace expbuild::bench
