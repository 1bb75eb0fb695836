#include "actors/worker/docker/container.hpp"

#include <nlohmann/json.hpp>

namespace expbuild {

using nlohmann::json;

namespace {

json mounts_of(const container_spec& spec) {
  auto all = json::array();
  for (const auto& mount : spec.mounts)
    all.push_back({{"Type", "bind"},
                   {"Source", mount.host_path},
                   {"Target", mount.path},
                   {"ReadOnly", mount.read_only}});
  return all;
}

json host_of(const container_spec& spec) {
  json host{
      {"Mounts", mounts_of(spec)}, {"NetworkMode", spec.network},
      {"CapDrop", {"ALL"}},        {"SecurityOpt", {"no-new-privileges"}},
      {"IpcMode", "private"},      {"LogConfig", {{"Type", "none"}}},
      {"ReadonlyRootfs", true},    {"UsernsMode", "host"}}; // files have the owners of the host
  if (spec.cpus > 0)
    host["NanoCpus"] = static_cast<std::int64_t>(spec.cpus * 1e9);
  if (spec.memory_bytes > 0)
    host["Memory"] = host["MemorySwap"] = spec.memory_bytes; // the same: no swap beside it
  if (spec.max_processes > 0)
    host["PidsLimit"] = spec.max_processes;
  if (spec.shm_bytes > 0)
    host["ShmSize"] = spec.shm_bytes;
  for (const auto& [path, bytes] : spec.tmpfs)
    host["Tmpfs"][path] = "rw,nosuid,nodev,exec,mode=1777,size=" + std::to_string(bytes);
  return host;
}

bool flag_in(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_boolean() && found->get<bool>();
}

std::int64_t number_in(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

absl::Status unknown(const std::string& body) {
  return absl::InternalError("the container engine answered what can not be understood: "
                             + body.substr(0, 300));
}

} // namespace

std::string create_body(const container_spec& spec) {
  auto environment = json::array();
  for (const auto& [name, value] : spec.environment)
    environment.push_back(std::string(name).append("=").append(value));
  const json body{{"Image", spec.image},          {"Entrypoint", json::array()},
                  {"Cmd", spec.command},          {"Env", std::move(environment)},
                  {"WorkingDir", spec.directory}, {"User", spec.user},
                  {"Labels", spec.labels},        {"HostConfig", host_of(spec)}};
  // Bytes that are no UTF-8 can not be said to the engine; what comes closest is said instead.
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<container_state> parse_container_state(const std::string& body) {
  const auto parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("State") || !parsed["State"].is_object())
    return unknown(body);
  const auto& state = parsed["State"];
  container_state x;
  x.running = flag_in(state, "Running");
  x.exit_code = static_cast<int>(number_in(state, "ExitCode"));
  x.out_of_memory = flag_in(state, "OOMKilled");
  x.pid = number_in(state, "Pid");
  return x;
}

absl::StatusOr<std::string> parse_id(const std::string& body) {
  const auto parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("Id") || !parsed["Id"].is_string())
    return unknown(body);
  return parsed["Id"].get<std::string>();
}

} // namespace expbuild
