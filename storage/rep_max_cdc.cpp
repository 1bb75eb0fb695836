#include "storage/chunker.hpp"
#include "storage/gear.hpp"

#include <algorithm>
#include <string>

namespace expbuild {

namespace {

/// A cut that is better than all possible ones before it.
struct candidate {
  std::int64_t end; ///< of the chunk that it would end; offset in the stream
  std::uint64_t hash;
};

/// A chunk may end from `min_` bytes on and must leave as much behind. Where it ends: take the best
/// cut (largest hash, the first of equals) within the horizon; while that would make the chunk too
/// long, take the best one at least `min_` before it instead, so that the one just found stays
/// possible for a later chunk.
///
/// The best cut below any limit is the last one below it that beats all before. Those are kept from
/// chunk to chunk: what beat everything from an earlier begin on beats everything from a later one
/// on, so only the cuts between the new begin and the first one kept are looked at again.
class rep_max_cdc final : public chunker {
public:
  explicit rep_max_cdc(const rep_max_cdc_options& options)
      : min_(options.min_bytes), lookahead_(2 * options.min_bytes + options.horizon_bytes) {}

  void feed(std::string_view bytes, std::vector<std::int64_t>& ends) override {
    while (!bytes.empty()) {
      const auto n = std::min(static_cast<std::size_t>(lookahead_), bytes.size());
      window_.append(bytes.substr(0, n));
      bytes.remove_prefix(n);
      while (known() - begin_ >= lookahead_)
        cut(lookahead_, ends);
      forget_what_is_cut();
    }
  }

  void finish(std::vector<std::int64_t>& ends) override {
    while (known() - begin_ >= 2 * min_)
      cut(std::min(lookahead_, known() - begin_), ends);
    if (known() > begin_)
      ends.push_back(known());
  }

private:
  /// Offset in the stream behind the last byte that we have.
  std::int64_t known() const { return window_at_ + std::ssize(window_); }

  /// Ends the current chunk, looking at its next `visible` bytes.
  void cut(std::int64_t visible, std::vector<std::int64_t>& ends) {
    look_up_to(begin_ + visible - min_);
    auto best = candidates_.cend() - 1;
    while (best->end >= begin_ + 2 * min_)
      best = last_until(best->end - min_);
    begin_ = best->end;
    ends.push_back(begin_);
  }

  using place = std::vector<candidate>::const_iterator;

  /// There is one: the first cut that is possible is always a candidate.
  place last_until(std::int64_t end) const {
    return std::upper_bound(candidates_.begin(), candidates_.end(), end,
                            [](std::int64_t x, const candidate& y) { return x < y.end; })
           - 1;
  }

  /// Makes `candidates_` those from the first possible cut to `last`, both included.
  void look_up_to(std::int64_t last) {
    const auto first = begin_ + min_;
    const auto kept = std::find_if(candidates_.begin(), candidates_.end(),
                                   [first](const candidate& x) { return x.end >= first; });
    std::vector<candidate> all;
    look(first, kept == candidates_.end() ? last : kept->end - 1, all);
    if (kept != candidates_.end()) {
      all.insert(all.end(), kept, candidates_.end());
      look(looked_at_ + 1, last, all);
    }
    candidates_ = std::move(all);
    looked_at_ = last;
  }

  /// Appends what beats all of `into`.
  void look(std::int64_t from, std::int64_t to, std::vector<candidate>& into) const {
    if (from > to)
      return;
    const auto& gear = gear_table();
    const auto* byte = window_.data() + (from - gear_window_bytes - window_at_);
    const auto roll = [&gear, &byte](std::uint64_t hash) {
      return (hash << 1) + gear[static_cast<unsigned char>(*byte++)];
    };
    std::uint64_t hash = 0;
    for (auto i = 1; i < gear_window_bytes; ++i)
      hash = roll(hash);
    auto best = into.empty() ? 0 : into.back().hash;
    for (auto at = from; at <= to; ++at) {
      hash = roll(hash);
      if (hash > best || into.empty()) {
        best = hash;
        into.push_back({at, hash});
      }
    }
  }

  /// Moving the rest to the front only once it is the smaller part keeps that cheap.
  void forget_what_is_cut() {
    const auto cut_off = static_cast<std::size_t>(begin_ - window_at_);
    if (cut_off < window_.size() / 2)
      return;
    window_.erase(0, cut_off);
    window_at_ = begin_;
  }

  const std::int64_t min_;
  const std::int64_t lookahead_;

  std::string window_; // from some bytes before the current chunk on
  std::int64_t window_at_ = 0;
  std::int64_t begin_ = 0; // of the current chunk
  std::vector<candidate> candidates_;
  std::int64_t looked_at_ = 0; // the last cut that was
};

/// Of memory that a chunker may hold.
constexpr std::int64_t largest_lookahead = 256 << 20;

} // namespace

absl::StatusOr<std::unique_ptr<chunker>> make_rep_max_cdc(rep_max_cdc_options options) {
  const auto [min, horizon] = options;
  if (min < gear_window_bytes || min > largest_lookahead)
    return absl::InvalidArgumentError("RepMaxCDC can not cut chunks of at least "
                                      + std::to_string(min) + " bytes: use 64 bytes to 256 MiB");
  if (horizon < 0 || horizon > largest_lookahead)
    return absl::InvalidArgumentError("RepMaxCDC can not look " + std::to_string(horizon)
                                      + " bytes ahead: use 0 to 256 MiB");
  return std::make_unique<rep_max_cdc>(options);
}

} // namespace expbuild
