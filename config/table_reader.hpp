#pragma once
#include "config/problems.hpp"

#include <toml++/toml.h>

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace expbuild {

/// What all readers of one file share.
struct reading {
  std::string file;
  config_problems* problems = nullptr;
  std::vector<std::string> known; ///< every key that was asked for
};

/// Reads one table key by key: reports wrong types and ranges at their place, and at its end the
/// keys that nobody asked for, with the nearest known one. Works on an absent table, too: then
/// every key has its default.
class table_reader {
public:
  /// `table` may be null. `name` as in the file: "server".
  table_reader(reading& context, const toml::table* table, std::string name);
  ~table_reader();
  table_reader(const table_reader&) = delete;
  table_reader& operator=(const table_reader&) = delete;

  bool has(const std::string& key) const;
  void read(const std::string& key, std::string& into);
  void read(const std::string& key, bool& into);
  void read(const std::string& key, std::vector<std::string>& into);
  /// Both limits are allowed values.
  std::int64_t read_integer(const std::string& key, std::int64_t otherwise, std::int64_t least,
                            std::int64_t most = std::numeric_limits<std::int64_t>::max());
  double read_number(const std::string& key, double otherwise, double least);
  /// The table of that name, or null.
  const toml::table* read_table(const std::string& key);
  /// The tables of an array of tables; none when absent.
  std::vector<const toml::table*> read_tables(const std::string& key);

  /// A problem at a key's value (at the table's start when the key is absent).
  void error(const std::string& key, const std::string& message);
  void warning(const std::string& key, const std::string& message);

  reading& context() { return context_; }

private:
  const toml::node* take(const std::string& key);
  void report(config_problem::severity how_bad, const toml::source_region& where,
              const std::string& message);
  void report_at(config_problem::severity how_bad, const std::string& key,
                 const std::string& message);
  void wrong_type(const std::string& key, const char* wanted);

  reading& context_;
  const toml::table* table_;
  const std::string name_;
  std::set<std::string> asked_;
};

/// The word of `known` that is at most two edits away, or nothing.
std::string nearest(const std::string& word, const std::set<std::string>& known);

} // namespace expbuild
