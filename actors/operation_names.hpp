#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace expbuild {

/// A random (version 4) UUID: unguessable, since a name is all one needs to watch or cancel.
std::string new_operation_name();

/// Every operation name that can be asked for, in the order of their making. Plain data.
class operation_names {
public:
  /// What a retired name has in place of an execution.
  static constexpr std::uint64_t retired = 0;

  struct entry {
    std::uint64_t number = 0; ///< rises with every name
    std::uint64_t execution = retired;
    std::string name;
  };
  struct page {
    std::vector<entry> entries;
    std::uint64_t next = 0; ///< `after` of the next page; 0: there is none
  };

  void add(const std::string& name, std::uint64_t execution);
  /// Nothing happens to a name that is not here.
  void retire(const std::string& name);
  void erase(const std::string& name);

  /// The execution behind the name, `retired`, or nullopt when it is not here.
  std::optional<std::uint64_t> find(const std::string& name) const;

  /// Up to `limit` names that are younger than number `after`, oldest first; of live or of retired
  /// ones alone when `done` is set. Looks at `max_visited` names at most, so that a page may hold
  /// fewer than `limit` and still have a next one.
  page list(std::uint64_t after, std::size_t limit, std::optional<bool> done,
            std::size_t max_visited = 10'000) const;

  std::size_t size() const noexcept { return by_name_.size(); }

private:
  std::unordered_map<std::string, std::uint64_t> by_name_; // -> number
  std::map<std::uint64_t, entry> by_number_;
  std::uint64_t last_ = 0;
};

} // namespace expbuild
