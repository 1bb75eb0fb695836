#pragma once
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// What is said to the engine about a container, and what it says back. Plain data and text; the
/// Engine API is described at https://docs.docker.com/engine/api/v1.41/.

namespace expbuild {

/// A folder or file of the host that a container sees. It must be there: the engine makes nothing.
struct container_mount {
  std::string host_path; ///< absolute
  std::string path;      ///< absolute, in the container
  bool read_only = false;
};

/// One container. What is not said here it does not have: no capability, no new privileges, no
/// network unless named, no log kept by the engine, nothing that it could write to.
struct container_spec {
  std::string image;                     ///< id or name
  std::vector<std::string> command = {}; ///< instead of what the image would start
  std::vector<std::pair<std::string, std::string>> environment = {}; ///< beside the image's own
  std::string directory = {};                                        ///< absolute, in the container
  std::string user = {};                                             ///< "UID:GID"
  std::string network = "none"; ///< or "bridge", "host", "container:ID"
  std::vector<container_mount> mounts = {};
  std::map<std::string, std::string> labels = {};
  double cpus = 0;                                ///< 0: no limit
  std::int64_t memory_bytes = 0;                  ///< swap included; 0: no limit
  std::int64_t max_processes = 0;                 ///< 0: no limit
  std::map<std::string, std::int64_t> tmpfs = {}; ///< path: bytes; in memory, for everybody
  std::int64_t shm_bytes = 0;                     ///< of /dev/shm; 0: the engine's default
};

/// The body of POST /containers/create.
std::string create_body(const container_spec& spec);

/// Its end, or that it has not come.
struct container_state {
  bool running = false;
  int exit_code = 0;
  /// The memory limit has killed one of its processes at least.
  bool out_of_memory = false;
  std::int64_t pid = 0; ///< on the host, while it runs
};

/// From what GET /containers/ID/json answers. INTERNAL when that is something else.
absl::StatusOr<container_state> parse_container_state(const std::string& body);

/// The id that an answer to create (or an image's JSON) names. INTERNAL when it names none.
absl::StatusOr<std::string> parse_id(const std::string& body);

} // namespace expbuild
