#pragma once
#include "storage/disk/segment_list.hpp"
#include "storage/disk/segment_table.hpp"

#include <functional>

namespace expbuild {

/// Who hears what the segments of earlier processes hold.
struct segment_listener {
  /// True when this is where the key lies now: it is no waste.
  std::function<bool(const digest& key, blob_place place, std::uint32_t payload)> found;
  std::function<void(const digest& key, blob_place place)> removed;
  /// A record whose payload is not its key's.
  std::function<void(const digest& key)> damaged;
  /// A segment that can not be read, and is left out.
  std::function<void(const absl::Status& why)> failed;
  /// False: what was never synced may not be what was written, so that lists say nothing.
  bool trusts_lists = true;
};

/// Reads segments at start: their lists, or, where there is none, every record. May run beside
/// everything else that is done to them.
class segment_loader {
public:
  using checker = std::function<bool(const digest& key, std::string_view payload)>;

  /// `whole` is asked for what no list vouches for. `sync`: segments without a list are synced
  /// before they get one.
  segment_loader(disk_folder folder, segment_table& table, checker whole, bool sync)
      : folder_(std::move(folder)), table_(table), whole_(std::move(whole)), sync_(sync) {}

  /// The oldest first.
  void load(const segment_listener& into);

private:
  absl::Status load_one(std::uint32_t number, const segment_listener& into);
  absl::Status scan(std::uint32_t number, const segment_listener& into);
  void tell(std::uint32_t number, const segment_list::item& item, const segment_listener& into);

  const disk_folder folder_;
  segment_table& table_;
  const checker whole_;
  const bool sync_;
};

} // namespace expbuild
