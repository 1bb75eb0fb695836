#include "config/sections.hpp"

#include <cstdlib>
#include <unistd.h>

namespace expbuild {

namespace {

constexpr std::int64_t least_size = std::int64_t{16} << 20;

void read_durability(table_reader& section, durability& into) {
  std::string level = "grouped";
  section.read("durability", level);
  if (level == "strict")
    into = durability::strict;
  else if (level == "none")
    into = durability::none;
  else if (level != "grouped")
    section.error("durability",
                  "unknown durability '" + level + R"('; use "strict", "grouped" or "none")");
}

std::optional<std::int64_t> read_size(table_reader& section, const std::string& key,
                                      std::int64_t least) {
  if (!section.has(key))
    return std::nullopt;
  return section.read_integer(key, least, least);
}

void read_compression(table_reader& section, store_config& into) {
  std::string how = "none";
  section.read("compression", how);
  into.compresses = how == "zstd";
  if (how != "zstd" && how != "none")
    section.error("compression", "unknown compression '" + how + R"('; use "none" or "zstd")");
}

/// What only the CAS has: a result promises nothing but its blobs.
void read_promises(table_reader& section, store_config& into) {
  into.min_free_bytes = read_size(section, "min_free_bytes", 0);
  into.lease = std::chrono::seconds(
      section.read_integer("lease_seconds", into.lease.count(), 1, 30 * 86400));
  into.scrubbed_a_second = section.read_integer("scrub_bytes_per_second", into.scrubbed_a_second, 0,
                                                std::int64_t{1} << 40);
}

void read_store(table_reader& storage, const std::string& key, const std::string& folder,
                store_config& into) {
  table_reader section(storage.context(), storage.read_table(key), "storage." + key);
  read_durability(section, into.level);
  into.max_size_bytes = read_size(section, "max_size_bytes", least_size);
  if (key == "cas") {
    read_promises(section, into);
    read_compression(section, into);
  } else {
    into.ttl = std::chrono::seconds(
        section.read_integer("ttl_seconds", into.ttl.count(), 0, std::int64_t{3650} * 86400));
  }
  section.read("backend", into.backend);
  std::string root;
  section.read("root_dir", root);
  into.memory_cache_bytes =
      section.read_integer("memory_cache_bytes", into.memory_cache_bytes, 0, std::int64_t{1} << 40);
  into.root_dir = root.empty() ? state_directory() / folder : std::filesystem::path(root);
  if (into.backend == "filesystem" || into.backend == "memory")
    return;
  if (into.backend == "redis" || into.backend == "s3")
    section.error("backend", "backend '" + into.backend
                                 + "' is not supported yet; use \"filesystem\" or \"memory\"");
  else
    section.error("backend",
                  "unknown backend '" + into.backend + "'; use \"filesystem\" or \"memory\"");
}

} // namespace

std::filesystem::path state_directory() {
  if (::geteuid() == 0)
    return "/var/lib/expbuild";
  // NOLINTBEGIN(concurrency-mt-unsafe): read at start
  if (const auto* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
    return std::filesystem::path(state) / "expbuild";
  if (const auto* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::filesystem::path(home) / ".local/state/expbuild";
  // NOLINTEND(concurrency-mt-unsafe)
  return "/var/tmp/expbuild-" + std::to_string(::geteuid());
}

void read_storage(table_reader& root, config& into) {
  table_reader storage(root.context(), root.read_table("storage"), "storage");
  read_store(storage, "cas", "cas", into.cas);
  read_store(storage, "action_cache", "action_cache", into.action_cache);
  const bool both_on_disk =
      into.cas.backend == "filesystem" && into.action_cache.backend == "filesystem";
  if (both_on_disk && into.cas.root_dir == into.action_cache.root_dir)
    storage.error("action_cache", "the action cache and the CAS need a root_dir each");
}

} // namespace expbuild
