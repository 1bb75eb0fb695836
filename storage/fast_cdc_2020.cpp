#include "storage/chunker.hpp"
#include "storage/gear.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

namespace expbuild {

namespace {

/// Bits of the hash that must all be zero at a cut, by the binary logarithm of the distance at
/// which that happens on average, from 256 bytes on: the paper's table. Spread over 48 bits, so
/// that a cut depends on more than the last few bytes.
constexpr std::array<std::uint64_t, 15> masks{
    0x0000001800035300, 0x0000019000353000, 0x0000590003530000, 0x0000d90003530000,
    0x0000d90103530000, 0x0000d90303530000, 0x0000d90313530000, 0x0000d90f03530000,
    0x0000d90303537000, 0x0000d90703537000, 0x0000d90707537000, 0x0000d91707537000,
    0x0000d91747537000, 0x0000d91767537000, 0x0000d93767537000};
constexpr int first_mask = 8;
constexpr int normalization = 2;

constexpr std::int64_t smallest_average = 1 << 10;
constexpr std::int64_t largest_average = 1 << 20;

std::uint64_t mask_for(std::int64_t average, int shift) {
  const int bits = std::countr_zero(static_cast<std::uint64_t>(average)) + shift;
  return masks[static_cast<std::size_t>(bits - first_mask)];
}

/// Below the minimum nothing is looked at. Up to the average the strict mask makes cuts rarer, from
/// there on the lax one makes them more frequent. The byte at which the mask matches is the first
/// of the next chunk. The paper rolls two bytes at a time: a match on the first byte of a pair
/// counts only when the stream has the second one, too.
class fast_cdc_2020 final : public chunker {
public:
  explicit fast_cdc_2020(const fast_cdc_2020_options& options)
      : average_(options.average_bytes), min_(average_ / 4), max_(average_ * 4),
        strict_(mask_for(average_, normalization)), lax_(mask_for(average_, -normalization)),
        gear_(gear_table()) {
    for (auto& each : gear_)
      each ^= options.seed;
  }

  void feed(std::string_view bytes, std::vector<std::int64_t>& ends) override {
    while (!bytes.empty()) {
      if (matched_) {
        cut(length_ - 1, ends);
        matched_ = false;
      }
      bytes.remove_prefix(length_ < min_ ? skip(bytes) : roll(bytes, ends));
      if (length_ == max_)
        cut(max_, ends);
    }
  }

  void finish(std::vector<std::int64_t>& ends) override {
    if (length_ > 0)
      cut(length_, ends);
  }

private:
  /// Each of these takes some bytes at the front into the current chunk and returns how many.
  std::size_t skip(std::string_view bytes) {
    const auto n = std::min<std::int64_t>(min_ - length_, std::ssize(bytes));
    length_ += n;
    return static_cast<std::size_t>(n);
  }

  std::size_t roll(std::string_view bytes, std::vector<std::int64_t>& ends) {
    const auto mask = length_ < average_ ? strict_ : lax_;
    const auto limit = length_ < average_ ? average_ : max_;
    const auto n =
        static_cast<std::size_t>(std::min<std::int64_t>(limit - length_, std::ssize(bytes)));
    auto hash = hash_;
    for (std::size_t i = 0; i < n; ++i) {
      hash = (hash << 1) + gear_[static_cast<unsigned char>(bytes[i])];
      if ((hash & mask) == 0) {
        hash_ = hash;
        match(length_ + static_cast<std::int64_t>(i), ends);
        return i + 1;
      }
    }
    hash_ = hash;
    length_ += static_cast<std::int64_t>(n);
    return n;
  }

  /// The byte at this offset of the chunk matches the mask.
  void match(std::int64_t offset, std::vector<std::int64_t>& ends) {
    length_ = offset + 1;
    matched_ = offset % 2 == 0; // first of a pair: wait for the second
    if (!matched_)
      cut(offset, ends);
  }

  void cut(std::int64_t length, std::vector<std::int64_t>& ends) {
    begin_ += length;
    length_ -= length;
    hash_ = 0;
    ends.push_back(begin_);
  }

  const std::int64_t average_;
  const std::int64_t min_;
  const std::int64_t max_;
  const std::uint64_t strict_;
  const std::uint64_t lax_;
  std::array<std::uint64_t, 256> gear_;

  std::int64_t begin_ = 0;  // of the current chunk
  std::int64_t length_ = 0; // of what is known of it
  std::uint64_t hash_ = 0;
  bool matched_ = false; // at the last byte
};

} // namespace

absl::StatusOr<std::unique_ptr<chunker>> make_fast_cdc_2020(fast_cdc_2020_options options) {
  const auto average = options.average_bytes;
  if (average < smallest_average || average > largest_average
      || !std::has_single_bit(static_cast<std::uint64_t>(average)))
    return absl::InvalidArgumentError(
        "FastCDC 2020 can not cut chunks of " + std::to_string(average)
        + " bytes on average: use a power of two from 1 KiB to 1 MiB");
  return std::make_unique<fast_cdc_2020>(options);
}

} // namespace expbuild
