#include "test/bench/server_process.hpp"

#include <cstdlib>
#include <fstream>

namespace expbuild::bench {

server_process::server_process(const std::filesystem::path& program, const std::string& worker_keys)
    : port_(free_port()) {
  std::string name = (std::filesystem::temp_directory_path() / "expbuild-bench-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  std::filesystem::permissions(folder_, std::filesystem::perms(0711));
  const auto config = (folder_ / "server.toml").string();
  std::ofstream(config) << "[server]\naddress = \"" << address() << "\"\n[http]\naddress = \"\"\n"
                        << "[storage.cas]\nroot_dir = \"" << (folder_ / "cas").string() << "\"\n"
                        << "[storage.action_cache]\nroot_dir = \"" << (folder_ / "cache").string()
                        << "\"\n[[execution.pool.workers]]\ntype = \"host\"\ncount = 2\n"
                        << "work_dir = \"" << (folder_ / "work").string() << "\"\n"
                        << worker_keys << "\n";
  ::setenv("EXPBUILD_LOG", "warn", 1);
  process_ = std::make_unique<child_process>(
      std::vector<std::string>{program.string(), "--config", config});
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
