#pragma once
#include "actors/messages.hpp"

#include <absl/status/statusor.h>

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace expbuild {

struct trace_index_options {
  std::size_t max_names = 16'384;      ///< operations that can be found
  std::size_t max_kept = 256;          ///< traces kept beyond the rings
  std::size_t max_kept_records = 2000; ///< of one kept trace
};

/// Which trace belongs to which operation, and the traces that are kept. The oldest go first.
/// Plain data.
class trace_index {
public:
  struct entry {
    std::uint64_t trace = 0;
    std::string operation;
    digest action;
    request_metadata asker;
  };

  explicit trace_index(trace_index_options options) : options_(options) {}

  void add(entry x);
  void keep(std::uint64_t trace, std::vector<trace_record> records);

  /// By operation name, action hash, invocation id (correlated ones, too) or target, whole or as a
  /// prefix of at least 6 characters; the latest when several operations belong to it. NOT_FOUND,
  /// or INVALID_ARGUMENT when the text begins the names of different operations.
  absl::StatusOr<entry> find(const std::string& query) const;

  /// Null when the trace is not kept.
  const std::vector<trace_record>* kept(std::uint64_t trace) const;

private:
  trace_index_options options_;
  std::deque<entry> entries_;
  std::deque<std::uint64_t> kept_order_;
  std::unordered_map<std::uint64_t, std::vector<trace_record>> kept_;
};

} // namespace expbuild
