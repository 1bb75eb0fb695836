#pragma once
#include "storage/disk/segment_file.hpp"
#include "storage/disk/segment_list.hpp"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace expbuild {

/// The segments of a log, and how much of each is still wanted. Never waits for a disk; safe from
/// any number of threads.
class segment_table {
public:
  /// One of an earlier process, which nobody has read yet.
  void add_found(std::shared_ptr<segment_file> file);
  /// A new one.
  void add(std::shared_ptr<segment_file> file);
  void remove(std::uint32_t number);

  /// Null when there is none.
  std::shared_ptr<segment_file> find(std::uint32_t number) const;

  /// Those of earlier processes.
  std::vector<std::uint32_t> found() const;
  /// What it holds has been told.
  void loaded(std::uint32_t number);

  // ---- what they hold ----

  void wanted(std::uint32_t number, std::int64_t bytes);
  void listed(std::uint32_t number, const segment_list::item& item);

  /// Of all segments, waste included.
  std::int64_t bytes() const;
  /// The full segment of which the largest part is waste, if that is `part` or more; else 0.
  std::uint32_t most_wasted(double part) const;

  // ---- what of it has reached the disk ----

  using sizes = std::vector<std::pair<std::uint32_t, std::int64_t>>;

  /// Those that are not full, as large as they are now.
  sizes unfinished() const;
  void synced(std::uint32_t number, std::int64_t size);

  /// To be saved; `finished` says whether it was.
  segment_list take_list(std::uint32_t number);
  void finished(std::uint32_t number, bool saved, segment_list list);

  /// Cuts off of each what has not reached the disk; nothing is appended to them any more.
  void give_up_unsynced();

private:
  struct entry {
    std::shared_ptr<segment_file> file;
    std::int64_t wanted = 0;
    std::int64_t synced = 0;
    bool full = false; ///< and its list is written
    bool is_found = false;
    bool is_known = true; ///< what it holds has been told
    segment_list list;    ///< until it is full
  };

  mutable std::mutex guard_;
  std::map<std::uint32_t, entry> entries_;
};

} // namespace expbuild
