#pragma once
#include <cstdint>
#include <string>

namespace expbuild::runner {

/// What the memory limit of a control group, of either version, has done so far.
class memory_watch {
public:
  memory_watch() = default;
  /// `folder` of the group; empty: nothing is known.
  explicit memory_watch(const std::string& folder);

  /// How many processes of the group it has killed.
  std::uint64_t kills() const;
  /// The most that the group has used at once; 0: unknown.
  std::int64_t peak_bytes() const;

private:
  std::string events_; ///< the file that counts kills; empty: none
  std::string peak_;
};

} // namespace expbuild::runner
