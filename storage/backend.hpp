#pragma once
#include "storage/blob_index.hpp"
#include "storage/codec.hpp"
#include "storage/digest.hpp"
#include "storage/durability.hpp"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The seam below the CAS: where blobs lie. One header for all backends; each implementation is
/// hidden in one .cpp behind its maker. Everything here may block on a disk: call it from the I/O
/// pool (or a test), never from an actor or a gRPC callback, except where a line says otherwise.
/// All of it is safe to call from any number of threads.

namespace expbuild {

/// All bytes of a small blob.
using blob_bytes = std::shared_ptr<const std::string>;

class blob_reader;

/// A blob as one stream of a codec: what `bytes` reads, `size` of it. Null: there is none.
struct packed_stream {
  std::shared_ptr<blob_reader> bytes;
  std::int64_t size = 0;
};

/// One stored blob, open for reading. The bytes stay readable while the reader lives, also when
/// the blob is removed meanwhile. Reading is positional and safe from any thread.
class blob_reader {
public:
  virtual ~blob_reader() = default;

  virtual const digest& id() const noexcept = 0;

  /// Fills `out` from `offset` on; less only at the end of the blob. DATA_LOSS when the file is
  /// shorter than its digest says, INTERNAL with errno when the disk fails.
  virtual absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) = 0;

  /// As `read_at`, but never waits: nullopt when the bytes are not in memory. Safe on any thread.
  virtual absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                                 std::span<char> out) = 0;

  /// Makes the blob appear as the read-only file `name` beneath `dirfd` without copying. The
  /// file's inode is shared with the store: only for readers who can not write or chmod it
  /// (another uid, or an overlay above). `executable` gives mode 0555, else 0444.
  /// UNIMPLEMENTED where the backend or the filesystem can not link: copy then.
  virtual absl::Status link_into(int dirfd, const std::string& name, bool executable);

  /// The whole blob packed by `how`, where it lies here like that: sent as it is, it need not be
  /// packed again. Never waits.
  virtual packed_stream stored_stream(codec) { return {}; }
};

/// One blob being written. Destroyed without a successful `commit`, it leaves nothing behind.
/// One thread at a time.
class blob_writer {
public:
  virtual ~blob_writer() = default;

  /// Bytes accepted so far.
  virtual std::int64_t size() const noexcept = 0;

  /// Takes the next bytes. INVALID_ARGUMENT beyond the digest's size, RESOURCE_EXHAUSTED when
  /// the disk is full.
  virtual absl::Status append(std::string_view bytes) = 0;

  /// Verifies size and hash, then publishes the blob: it can be found, and lasts as the store's
  /// durability says. INVALID_ARGUMENT (naming both digests) when they differ, and nothing is
  /// stored. OK also when another writer published the same blob first. At most once.
  virtual absl::Status commit() = 0;
};

/// A blob and what somebody says are its bytes.
struct named_bytes {
  digest id;
  std::string_view bytes;
};

/// What a store takes of its disk, and what the disk has left.
struct store_usage {
  std::int64_t bytes = 0;      ///< ours, waste included
  std::int64_t free_bytes = 0; ///< of the filesystem, for us; a very large number where none limits
  std::int64_t free_files = 0; ///< the same, of files that can still be made
};

class backend {
public:
  virtual ~backend() = default;

  /// What is stored here. The backend keeps it true; who decides about leases and eviction uses it.
  virtual blob_index& index() = 0;

  /// NOT_FOUND when there is no such blob (hash AND size), also when it turns out to be damaged:
  /// then it is out of the way.
  virtual absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) = 0;

  /// The blob when it is small (some KiB) and happens to be in memory, else null. Never waits: safe
  /// on any thread.
  virtual blob_bytes in_memory(const digest& id);

  /// This blob would take a file of the disk.
  virtual bool takes_a_file(const digest&) const { return false; }

  /// True once the index knows everything that is stored. Never waits.
  virtual bool is_index_complete() const { return true; }

  /// While it does not: looks for this blob where it would lie.
  virtual bool contains(const digest& id) { return index().contains(id); }

  virtual absl::StatusOr<std::unique_ptr<blob_writer>> begin_write(const digest& id) = 0;

  /// Verifies and stores all of them, as if each were written and committed; one answer for each,
  /// in their order. Small ones share what they cost the disk.
  virtual std::vector<absl::Status> write_all(std::span<const named_bytes> blobs);

  /// Everything that was committed before survives a power cut, unless nothing does here.
  virtual absl::Status flush() { return absl::OkStatus(); }

  /// OK also when there was none.
  virtual absl::Status remove(const digest& id) = 0;

  /// Removes what the index chose to go, except what was stored again meanwhile, and gives space
  /// back to the disk.
  virtual absl::Status evict(std::span<const blob_index::victim> victims) = 0;

  virtual store_usage usage() = 0;

  /// Calls `visit` for every stored blob, in no order; waits until all are known.
  virtual absl::Status for_each(const std::function<void(const digest&)>& visit);
};

/// What a store tells of itself; called on any thread. All may be empty.
struct store_events {
  /// A blob that was stored is not any more, and why.
  std::function<void(const digest&, const absl::Status&)> lost;
  /// Something went wrong that no caller hears of.
  std::function<void(const absl::Status&)> trouble;
  /// What was found at start, in words.
  std::function<void(const std::string&)> notice;
};

class disk_calls;

struct filesystem_backend_options {
  /// Created with mode 0700 when absent; disk/store_folders.hpp says what lies in it.
  std::filesystem::path root;
  durability level = durability::grouped;
  /// What it may grow to. Holding that is the cas actor's work; here it sizes things.
  std::int64_t max_bytes = std::int64_t{100} << 30;
  /// Smaller blobs are packed.
  std::int64_t packed_below = (16 << 10) + 1;
  /// Larger new ones are compressed (zstd), where that makes them smaller. What is stored already
  /// is read however it lies there.
  bool compresses = false;
  store_seconds usual_promise = 3 * 3600;
  store_clock clock = make_store_clock();
  store_events events = {};
  /// Bytes that are hashed again each second, once a day all of them, to find what rots; 0: none.
  std::int64_t scrubbed_a_second = 0;
  /// False, for tests: nothing happens behind the caller's back. What is on the disk is read before
  /// the maker returns, and only `flush` syncs.
  bool background = true;
  std::shared_ptr<disk_calls> calls = {}; ///< null: the kernel's
};

/// Files on a disk. Small blobs are packed into segments, large ones lie in files of their own; all
/// are verified while they are written, and again when they are read from a disk that may have
/// changed them. Serves at once, whatever it holds: what that is is found out in the background.
///
/// The caller holds the store's lock (store_lock.hpp). FAILED_PRECONDITION or INTERNAL with path
/// and errno when the folder can not be used.
absl::StatusOr<std::shared_ptr<backend>>
make_filesystem_backend(filesystem_backend_options options);

struct remembering_options {
  std::size_t max_bytes = std::size_t{64} << 20; ///< of all blobs, what keeping them costs included
  std::int64_t max_blob_bytes = 16 << 10;        ///< larger ones are not remembered
};

/// Remembers small blobs that were lately written or read whole, so that the Action, Command,
/// Directory and output that everybody asks for is read without a disk. What another process does
/// to the store below is not noticed until a blob is forgotten; its bytes are what the digest says
/// in any case. What the store below knows it has lost is not remembered.
std::shared_ptr<backend> make_remembering_backend(std::shared_ptr<backend> below,
                                                  remembering_options options = {});

struct memory_backend_options {
  std::int64_t max_bytes = std::int64_t{1} << 40; ///< as above
  store_seconds usual_promise = 3 * 3600;
  store_clock clock = make_store_clock();
};

/// Everything in memory; gone with the process.
std::shared_ptr<backend> make_memory_backend(memory_backend_options options = {});

// Conveniences over the seam; all of them block.

/// The whole blob; RESOURCE_EXHAUSTED when it is larger than `limit` bytes. The empty blob is
/// always there.
absl::StatusOr<std::string> read_blob(backend& from, const digest& id, std::int64_t limit);

/// True when it can be read, and stays for as long as one that is stored now: until whoever would
/// store it was promised it.
bool has_and_keeps(backend& store, const digest& id);

/// Stores these bytes and returns their digest. The empty blob is never written.
absl::StatusOr<digest> write_blob(backend& to, std::string_view bytes, digest_function function);

/// Stores what `fd` holds from its start to its end (two passes: hash, then copy; a file that
/// changes in between is ABORTED). What is there already is kept.
absl::StatusOr<digest> write_file(backend& to, int fd, digest_function function);

} // namespace expbuild
