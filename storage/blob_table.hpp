#pragma once
#include "storage/digest.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace expbuild {

/// Names an entry of the table while that entry exists. 0 is none.
using blob_slot = std::uint32_t;

/// What is known about one blob: a cache line.
struct blob_entry {
  std::array<char, 32> hash; ///< its first 32 bytes; the table keeps what longer ones have more
  std::uint64_t size : 44;   ///< up to `digest::max_size_bytes`
  std::uint64_t function : 4;
  std::uint64_t queue : 3; ///< of `eviction_order`
  std::uint64_t home : 2;  ///< the queue that it goes back to when its promise is over
  std::uint64_t uses : 2;
  std::uint64_t doomed : 1;
  std::uint64_t taken : 1; ///< the entry exists
  std::uint64_t unused : 7;
  std::uint32_t segment;
  std::uint32_t offset;
  std::uint32_t promised_until;
  std::uint32_t stamp; ///< see blob_index
  blob_slot next;
  blob_slot previous;
};
static_assert(sizeof(blob_entry) == 64);

/// Entries by digest, in little memory: 64 bytes an entry and 5 to 10 for finding it. It grows a
/// part at a time, so that no insertion takes long. Plain data: one thread at a time.
class blob_table {
public:
  /// `finds_prefixes`: what begins with the same 8 bytes lies together, so that `find_prefix` can
  /// find it; nobody must be able to choose keys like that. Else nobody can make keys lie together,
  /// and no prefix is found.
  explicit blob_table(bool finds_prefixes = true);

  /// 0 when it is not here. The size must be the same, too.
  blob_slot find(const digest& id) const;

  /// Whatever its size.
  blob_slot find_hash(digest_function function, std::string_view raw_hash) const;

  /// Some entry of which the hash begins with these 8 bytes.
  blob_slot find_prefix(std::uint64_t prefix) const;
  static std::uint64_t prefix_of(const blob_entry& x);

  /// Makes the entry; it must not be here yet. Everything but the digest is zero.
  blob_slot insert(const digest& id);

  void erase(blob_slot slot);

  blob_entry& at(blob_slot slot) { return blocks_[slot / block_size][slot % block_size]; }
  const blob_entry& at(blob_slot slot) const {
    return blocks_[slot / block_size][slot % block_size];
  }

  digest digest_of(blob_slot slot) const;

  std::size_t size() const noexcept { return size_; }

  /// Slots are below this.
  blob_slot end() const noexcept { return end_; }

  /// So many entries are looked at to find it, or that it is not here.
  std::size_t probes(const digest& id) const;

  /// What the table takes of memory.
  std::size_t memory() const;

private:
  static constexpr std::size_t block_size = 4096;
  static constexpr std::size_t part_count = 256;

  /// Open addressing with linear probing.
  struct part {
    std::vector<blob_slot> slots;
    std::size_t used = 0;
  };

  std::uint64_t mixed(std::uint64_t prefix) const;
  std::uint64_t mixed(std::string_view raw_hash) const;
  std::uint64_t mixed_of(blob_slot slot) const;
  template <class Test>
  blob_slot first_that(std::uint64_t mix, Test test) const;
  bool is(const digest& id, blob_slot slot) const;
  bool is(blob_slot slot, digest_function function, std::string_view raw_hash) const;
  std::string raw_hash_of(blob_slot slot) const;
  static std::size_t first_place(const part& x, std::uint64_t mix);
  static void place(part& x, std::uint64_t mix, blob_slot slot);
  void grow(part& x);
  blob_slot new_slot();

  const std::uint64_t seed_;
  const bool finds_prefixes_;
  std::array<part, part_count> parts_;
  std::vector<std::unique_ptr<blob_entry[]>> blocks_;
  std::unordered_map<blob_slot, std::string> tails_; ///< of hashes longer than 32 bytes
  blob_slot free_ = 0;                               ///< chained by `next`
  blob_slot end_ = 1;
  std::size_t size_ = 0;
};

} // namespace expbuild
