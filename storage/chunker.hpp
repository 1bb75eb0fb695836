#pragma once
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

/// Content-defined chunking: where a blob is cut depends on the bytes around the cut alone, so that
/// blobs that have much in common have most chunks in common. Works on bytes in memory; needs no
/// disk and no thread of its own. One header for all algorithms, each hidden in one .cpp.

namespace expbuild {

/// Cuts one stream of bytes. The cuts do not depend on how the bytes are divided among calls of
/// `feed`. Chunks follow each other without gaps; none is empty. One thread at a time.
class chunker {
public:
  virtual ~chunker() = default;

  /// Takes the next bytes. Appends the end of every chunk that no later byte can change, as offset
  /// from the stream's begin, in order.
  virtual void feed(std::string_view bytes, std::vector<std::int64_t>& ends) = 0;

  /// There are no more bytes: appends the ends that are left, the last one being the length of the
  /// stream (nothing when the stream was empty). At most once; no `feed` afterwards.
  virtual void finish(std::vector<std::int64_t>& ends) = 0;
};

struct fast_cdc_2020_options {
  std::int64_t average_bytes = 512 << 10; ///< a power of two, 1 KiB to 1 MiB
  std::uint32_t seed = 0;
};

/// FastCDC as in "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage
/// Systems" (Xia et al., IEEE TPDS 2020) with normalization level 2, as REAPI's FastCdc2020Params
/// wants it. All chunks but the last have a quarter of the average to four times the average.
/// Constant memory. INVALID_ARGUMENT for options out of range.
absl::StatusOr<std::unique_ptr<chunker>> make_fast_cdc_2020(fast_cdc_2020_options options);

struct rep_max_cdc_options {
  std::int64_t min_bytes = 256 << 10;   ///< at least 64: what the rolling hash sees
  std::int64_t horizon_bytes = 2 << 20; ///< how far ahead the best cut is looked for; 0: fixed size
};

/// RepMaxCDC (buildbarn/go-cdc; REAPI's RepMaxCdcParams): cuts where the rolling hash is largest
/// within the horizon, repeated until the chunk is shorter than twice the minimum. All chunks have
/// `min_bytes` to less than twice of it, unless the stream is shorter. Holds up to twice
/// (2 * min_bytes + horizon_bytes) of the stream. INVALID_ARGUMENT for options out of range.
absl::StatusOr<std::unique_ptr<chunker>> make_rep_max_cdc(rep_max_cdc_options options);

} // namespace expbuild
