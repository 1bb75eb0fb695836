#include "config/sections.hpp"

#include <algorithm>
#include <set>
#include <thread>

namespace expbuild {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::int64_t in_seconds(seconds x) {
  return x.count();
}

void read_limits(table_reader& pool, pool_config& into) {
  constexpr std::int64_t year = 31'536'000;
  into.max_queue_size = static_cast<std::size_t>(pool.read_integer(
      "max_queue_size", static_cast<std::int64_t>(into.max_queue_size), 1, 10'000'000));
  into.scheduler_interval = milliseconds(
      pool.read_integer("scheduler_interval_ms", into.scheduler_interval.count(), 1, 3'600'000));
  into.default_task_timeout = seconds(pool.read_integer(
      "default_task_timeout_seconds", in_seconds(into.default_task_timeout), 1, year));
  into.max_task_timeout = seconds(pool.read_integer(
      "max_task_timeout_seconds",
      std::max(in_seconds(into.max_task_timeout), in_seconds(into.default_task_timeout)), 1, year));
  into.result_ttl =
      seconds(pool.read_integer("result_ttl_seconds", in_seconds(into.result_ttl), 1, year));
  into.max_attempts =
      static_cast<unsigned>(pool.read_integer("max_attempts", into.max_attempts, 1, 100));
  into.drain_timeout =
      seconds(pool.read_integer("drain_timeout_seconds", in_seconds(into.drain_timeout), 0, year));
  if (into.max_task_timeout < into.default_task_timeout)
    pool.error("max_task_timeout_seconds",
               "'max_task_timeout_seconds' is below 'default_task_timeout_seconds'");
}

/// Whom the workers of one table run actions as.
identity read_identity(table_reader& section) {
  std::string user;
  std::string group;
  section.read("run_as_user", user);
  section.read("run_as_group", group);
  const auto own = own_identity();
  const bool root = own.uid == 0;
  const auto found = user.empty() ? default_identity() : find_user(user);
  if (!found) {
    section.error(user.empty() ? "type" : "run_as_user",
                  "there is no user '" + (user.empty() ? "nobody" : user) + "' on this system");
    return own;
  }
  auto result = *found;
  if (!group.empty()) {
    if (const auto gid = find_group(group))
      result.gid = *gid;
    else
      section.error("run_as_group", "there is no group '" + group + "' on this system");
  }
  if (!root && !user.empty() && result.uid != own.uid)
    section.error("run_as_user",
                  "actions can run as '" + user + "' only when the server runs as root");
  return result;
}

void read_host_workers(table_reader& section, pool_config& into) {
  host_workers_config workers;
  workers.count = static_cast<std::size_t>(section.read_integer("count", 1, 0, 10'000));
  std::string work_dir = (state_directory() / "work").string();
  section.read("work_dir", work_dir);
  if (work_dir.empty() || work_dir.front() != '/')
    section.error("work_dir", "'work_dir' must be an absolute path");
  workers.work_dir = work_dir;
  read_sandbox(section, workers.sandbox);
  section.read("env_whitelist", workers.env_whitelist);
  workers.run_as = read_identity(section);
  into.host_workers.push_back(std::move(workers));
}

std::size_t count_workers(const pool_config& from) {
  std::size_t count = 0;
  for (const auto& workers : from.host_workers)
    count += workers.count;
  for (const auto& workers : from.docker_workers)
    count += workers.count;
  return count;
}

void read_workers(table_reader& pool, pool_config& into) {
  const auto tables = pool.read_tables("workers");
  for (const auto* table : tables) {
    table_reader section(pool.context(), table, "execution.pool.workers");
    std::string type;
    section.read("type", type);
    if (type == "docker")
      read_docker_workers(section, into);
    else
      read_host_workers(section, into);
    if (type != "docker" && type != "host")
      section.error("type", type.empty()
                                ? "'type' must be \"host\" or \"docker\""
                                : "unknown worker type '" + type + "'; use \"host\" or \"docker\"");
  }
  if (!tables.empty() && count_workers(into) == 0)
    pool.warning("workers", "no worker is left: the server is a cache only");
  if (tables.empty())
    into.host_workers.push_back(
        default_host_workers(*pool.context().problems, pool.context().file));
}

/// So that two tables never share a slot's folder.
void check_folders(table_reader& pool, const pool_config& from) {
  std::set<std::filesystem::path> folders;
  const auto check = [&](const std::filesystem::path& folder) {
    if (!folders.insert(folder).second)
      pool.error("workers", "two worker tables share work_dir " + folder.string());
  };
  for (const auto& workers : from.host_workers)
    check(workers.work_dir);
  for (const auto& workers : from.docker_workers)
    check(workers.work_dir);
}

} // namespace

host_workers_config default_host_workers(config_problems& problems, const std::string& file) {
  host_workers_config workers;
  workers.count = std::max(1u, std::thread::hardware_concurrency());
  workers.work_dir = state_directory() / "work";
  const auto own = own_identity();
  const auto found = default_identity();
  if (!found)
    problems.push_back({config_problem::severity::error, file, 0, 0,
                        "there is no user 'nobody' to run actions as: name one in run_as_user"});
  workers.run_as = found.value_or(own);
  return workers;
}

void read_execution(table_reader& root, config& into) {
  table_reader execution(root.context(), root.read_table("execution"), "execution");
  std::string backend = "pool";
  execution.read("backend", backend);
  if (backend != "pool")
    execution.error("backend", "unknown execution backend '" + backend + "'; use \"pool\"");
  table_reader pool(root.context(), execution.read_table("pool"), "execution.pool");
  read_limits(pool, into.pool);
  read_workers(pool, into.pool);
  check_folders(pool, into.pool);
}

} // namespace expbuild
