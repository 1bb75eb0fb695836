#pragma once
#include "storage/digest.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
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

  /// The blob of this hash (raw bytes), whatever its size: all that HTTP caches are told.
  std::optional<digest> find_hash(digest_function function, std::string_view raw_hash) const {
    const auto& empty = digest::empty_blob(function);
    if (raw_hash == empty.raw_hash())
      return empty;
    const auto found = blobs_.find(hash_alone{function, raw_hash});
    return found == blobs_.end() ? std::nullopt : std::optional(*found);
  }

  std::size_t blobs() const noexcept { return blobs_.size(); }
  std::int64_t bytes() const noexcept { return bytes_; }

private:
  struct hash_alone {
    digest_function function;
    std::string_view raw;
  };
  /// Sizes are left out of the hash, so that a blob can be found without.
  struct hasher {
    using is_transparent = void;
    std::size_t operator()(const hash_alone& x) const noexcept {
      std::size_t value = 0;
      std::memcpy(&value, x.raw.data(), std::min(sizeof value, x.raw.size()));
      return value;
    }
    std::size_t operator()(const digest& x) const noexcept {
      return (*this)(hash_alone{x.function(), x.raw_hash()});
    }
  };
  struct equal {
    using is_transparent = void;
    bool operator()(const digest& a, const digest& b) const noexcept { return a == b; }
    bool operator()(const digest& a, const hash_alone& b) const noexcept {
      return a.function() == b.function && a.raw_hash() == b.raw;
    }
    bool operator()(const hash_alone& a, const digest& b) const noexcept { return (*this)(b, a); }
  };

  std::unordered_set<digest, hasher, equal> blobs_;
  std::int64_t bytes_ = 0;
};

} // namespace expbuild
