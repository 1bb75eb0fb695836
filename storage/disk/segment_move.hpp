#pragma once
#include "storage/disk/segment_log.hpp"

namespace expbuild {

/// Copies records to the end of a log, some at a time. A record has moved once its copy is on the
/// disk, not before. A copy never comes behind what replaced or removed its record; when it is not
/// wanted in the end, that is written behind it, for the next process.
class segment_move {
public:
  segment_move(segment_log& to, const segment_log::mover& with) : to_(to), with_(with) {}

  absl::Status add(const digest& key, record_kind kind, blob_place from, std::string payload);
  absl::Status flush();

private:
  struct moving {
    digest key;
    record_kind kind;
    blob_place from;
    std::string payload;
  };

  absl::StatusOr<std::vector<blob_place>> append_wanted(std::vector<moving>& some);

  segment_log& to_;
  const segment_log::mover& with_;
  std::vector<moving> waiting_;
  std::size_t bytes_ = 0;
};

} // namespace expbuild
