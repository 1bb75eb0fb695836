#include "config/sections.hpp"

namespace expbuild {

namespace {

constexpr std::int64_t mebibyte = std::int64_t{1} << 20;

void read_word(table_reader& workers, const char* key, const std::set<std::string>& known,
               const char* hint, std::string& into) {
  workers.read(key, into);
  if (!known.contains(into))
    workers.error(key, std::string("'") + key + "' must be " + hint);
}

/// Every action has these for itself, so that nothing of the host can be seen in them.
bool is_private(const std::string& path) {
  for (const std::string top : {"/tmp", "/var/tmp", "/dev", "/proc", "/build"})
    if (path == top || path.rfind(top + "/", 0) == 0)
      return true;
  return false;
}

void read_paths(table_reader& workers, std::vector<std::string>& into) {
  workers.read("readable_paths", into);
  for (const auto& path : into) {
    if (path.size() < 2 || path.front() != '/' || path.find("/../") != std::string::npos)
      workers.error("readable_paths", "'" + path + "' is no absolute path below /");
    if (is_private(path))
      workers.error("readable_paths", "'" + path + "' lies where every action has a place of its "
                                          + "own: actions could not see it");
  }
}

/// What makes sense only with namespaces.
void check_together(table_reader& workers, const sandbox_config& from, bool use_chroot) {
  if (from.isolation == "namespaces")
    return;
  if (use_chroot)
    workers.error("use_chroot", "'use_chroot = true' means a private root, which actions have only "
                                "with isolation = \"namespaces\"");
  for (const auto* key : {"readable_paths", "max_tmp_bytes", "allow_ptrace"})
    if (workers.has(key))
      workers.warning(key, std::string("'") + key
                               + "' means nothing without isolation = \"namespaces\"");
  if (workers.has("network") && from.network == "none")
    workers.error("network", "'network = \"none\"' needs isolation = \"namespaces\"");
}

} // namespace

void read_limit(table_reader& section, const char* key, std::int64_t least, std::int64_t most,
                std::int64_t& into) {
  into = section.read_integer(key, into, 0, most);
  if (into != 0 && into < least)
    section.error(key, std::string("'") + key + "' must be 0 (no limit) or at least "
                           + std::to_string(least));
}

void read_sandbox(table_reader& workers, sandbox_config& into) {
  constexpr std::int64_t any = std::int64_t{1} << 50;
  bool use_chroot = false;
  workers.read("use_chroot", use_chroot);
  read_word(workers, "isolation", {"namespaces", "none"}, R"("namespaces" or "none")",
            into.isolation);
  read_word(workers, "network", {"none", "host"}, R"("none" or "host")", into.network);
  read_paths(workers, into.readable_paths);
  read_limit(workers, "max_processes", 8, 4'000'000, into.max_processes);
  read_limit(workers, "max_memory_bytes", 16 * mebibyte, any, into.max_memory_bytes);
  read_limit(workers, "max_output_bytes", mebibyte, any, into.max_output_bytes);
  into.max_tmp_bytes = workers.read_integer("max_tmp_bytes", into.max_tmp_bytes, mebibyte, any);
  workers.read("allow_ptrace", into.allow_ptrace);
  check_together(workers, into, use_chroot);
  for (const auto* key : {"isolation", "network", "max_processes", "max_memory_bytes"})
    if (workers.has(key))
      into.demanded.insert(key);
  if (use_chroot)
    into.demanded.insert("isolation");
}

} // namespace expbuild
