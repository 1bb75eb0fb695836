#pragma once
#include "storage/digest.hpp"

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace expbuild {

/// Which blobs are in the store. The empty blob always is. Plain data.
class presence_table {
public:
  bool contains(const digest& id) const { return id.is_empty_blob() || blobs_.contains(id); }
  void add(const digest& id) {
    if (!id.is_empty_blob() && blobs_.insert(id).second)
      bytes_ += id.size_bytes();
  }
  void remove(const digest& id) {
    if (blobs_.erase(id) > 0)
      bytes_ -= id.size_bytes();
  }
  std::size_t blobs() const noexcept { return blobs_.size(); }
  std::int64_t bytes() const noexcept { return bytes_; }

private:
  std::unordered_set<digest> blobs_;
  std::int64_t bytes_ = 0;
};

} // namespace expbuild
