#pragma once
#include "services/memory_budget.hpp"
#include "services/wire_blob.hpp"
#include "services/write_message.hpp"
#include "storage/backend.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace expbuild {

class unpacking_writer;

/// What the bytes of one upload go into: the blob's writer, by way of an unpacker when they come
/// packed. One thread at a time; `store` in the I/O pool.
class upload_target {
public:
  upload_target();
  ~upload_target();

  /// Plain bytes go on where this writer is, but for the first `known` of them: it has these.
  void open(std::shared_ptr<blob_writer> writer, std::int64_t known = 0);
  void open_packed(std::shared_ptr<blob_writer> writer, const wire_blob& blob,
                   std::shared_ptr<memory_budget> memory);

  /// About what one step adds to the blob, at most: a packed message may be gigabytes.
  static constexpr std::int64_t step_bytes = std::int64_t{4} << 20;

  /// What is to be stored next. Only when all before it is.
  void take(std::vector<write_message> messages);
  /// Stores some of it: others can have the thread between the steps. Fails as the writer does;
  /// then it is of no use any more.
  absl::Status store();
  bool has_more() const noexcept;

  /// The writer, to be committed.
  blob_writer& writer() noexcept { return *writer_; }

  /// What can be taken up later: the writer that has plain bytes, or null. Lets go of all else,
  /// which touches the disk: `rest` gets it.
  struct remains {
    std::shared_ptr<blob_writer> kept;
    std::shared_ptr<blob_writer> rest;
  };
  remains close(bool keep);

private:
  bool is_unpacking() const noexcept;

  std::shared_ptr<blob_writer> writer_;         ///< null: not open
  std::shared_ptr<unpacking_writer> unpacking_; ///< the writer, when the bytes come packed
  std::vector<write_message> messages_;         ///< being stored
  std::vector<std::string_view> pieces_;        ///< of all of them
  std::size_t next_ = 0;                        ///< of pieces_
  std::size_t known_ = 0;                       ///< bytes that come and are not to be stored
};

} // namespace expbuild
