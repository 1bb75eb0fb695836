#include "config/sections.hpp"
#include "storage/codec.hpp"
#include "storage/digest.hpp"

#include <set>

namespace expbuild {

namespace {

void check_function(table_reader& section, digest_function x) {
  if (!is_built_in(x))
    section.error("digest_functions",
                  to_string(x)
                      + " is not built into this program: build it where LLVM 15 or newer "
                        "can be found (Debian: llvm-15-dev), or take it out");
  if (x == digest_function::md5 || x == digest_function::sha1)
    section.warning("digest_functions",
                    to_string(x)
                        + " is broken: whoever may write here can make two blobs with one "
                          "digest, and have others build with the wrong one");
}

void check_functions(table_reader& section, const std::vector<std::string>& names) {
  if (names.empty())
    section.error("digest_functions", "'digest_functions' needs at least one");
  std::set<digest_function> seen;
  for (const auto& name : names) {
    const auto known = parse_digest_function(name);
    if (!known.ok())
      section.error("digest_functions", std::string(known.status().message()));
    else if (!seen.insert(*known).second)
      section.error("digest_functions", to_string(*known) + " is named twice");
    else
      check_function(section, *known);
  }
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
