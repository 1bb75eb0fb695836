#include "config/sections.hpp"
#include "storage/codec.hpp"
#include "storage/digest.hpp"

namespace expbuild {

namespace {

void check_functions(table_reader& section, const std::vector<std::string>& names) {
  if (names.empty())
    section.error("digest_functions", "'digest_functions' needs at least one");
  for (const auto& name : names)
    if (const auto known = parse_digest_function(name); !known.ok())
      section.error("digest_functions", std::string(known.status().message()));
}

/// IDENTITY, which every server has, may be named and adds nothing.
void check_compressors(table_reader& section, std::vector<std::string>& names) {
  std::erase(names, "IDENTITY");
  for (const auto& name : names)
    if (const auto known = parse_codec(name); !known.ok())
      section.error("supported_compressors", std::string(known.status().message()));
}

} // namespace

void read_capabilities(table_reader& root, config& into) {
  table_reader section(root.context(), root.read_table("capabilities"), "capabilities");
  auto& x = into.capabilities;
  section.read("digest_functions", x.digest_functions);
  check_functions(section, x.digest_functions);
  x.max_batch_total_size_bytes = section.read_integer(
      "max_batch_total_size_bytes", x.max_batch_total_size_bytes, 64 << 10, 64 << 20);
  section.read("supported_compressors", x.compressors);
  check_compressors(section, x.compressors);
  section.read("exec_enabled", x.exec_enabled);
  section.read("action_cache_update_enabled", x.action_cache_update_enabled);
  std::string strategy = "DISALLOWED";
  section.read("symlink_absolute_path_strategy", strategy);
  if (strategy != "DISALLOWED" && strategy != "ALLOWED")
    section.error("symlink_absolute_path_strategy",
                  "'symlink_absolute_path_strategy' must be \"DISALLOWED\" or \"ALLOWED\"");
  x.absolute_symlinks_allowed = strategy == "ALLOWED";
}

} // namespace expbuild
