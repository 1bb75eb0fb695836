#pragma once
#include "storage/io_pool.hpp"
#include "storage/posix.hpp"

#include <absl/status/statusor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace expbuild {

struct staged_trees_options {
  /// Created (0700) when absent; what lies in it was left by an earlier life and goes. On the
  /// filesystem of the store, as a tree is links to blobs.
  std::filesystem::path directory;
  /// An input root with fewer entries is not worth a mount.
  std::size_t min_entries = 64;
  /// What may lie here; beyond it trees that nobody uses go, the longest unused first.
  std::size_t max_entries = 1'000'000;
};

/// Input roots that are on disk already, each built once: the lower layers of overlays. Nobody
/// writes to a tree after it was built. Plain class; all of it may be called from any thread, and
/// `get` blocks (I/O pool).
class staged_trees : public std::enable_shared_from_this<staged_trees> {
public:
  /// INTERNAL or the like, with the path, when the folder can not be used.
  static absl::StatusOr<std::shared_ptr<staged_trees>> open(staged_trees_options options,
                                                            std::shared_ptr<io_pool> io);

  /// A tree in use: it stays on disk while this lives.
  class held {
  public:
    held(std::shared_ptr<staged_trees> owner, std::string key, std::string name);
    ~held();
    held(const held&) = delete;
    held& operator=(const held&) = delete;

    std::filesystem::path path() const;

  private:
    const std::shared_ptr<staged_trees> owner_;
    const std::string key_;
    const std::string name_;
  };
  using outcome = absl::StatusOr<std::shared_ptr<const held>>;

  /// How a tree that is not here yet is made.
  struct recipe {
    std::function<absl::StatusOr<std::size_t>()> count_entries; ///< first
    std::function<absl::Status(int folder)> fill;               ///< an empty folder
  };

  /// The tree under `key`, which says all that `recipe` depends on. However many ask at the same
  /// time, one of them builds and the others wait for it; a failure is told to all of them, and
  /// the next one tries again. Null: too small to be kept here.
  outcome get(const std::string& key, const recipe& how);

  /// Entries on disk, in use or not.
  std::size_t entries() const;

  /// For `open`.
  staged_trees(staged_trees_options options, std::shared_ptr<io_pool> io, unique_fd folder);

private:
  struct tree {
    std::string name;
    std::size_t entries = 0;
    std::size_t holders = 0;
    std::optional<std::list<std::string>::iterator> unused; ///< place in unused_
  };

  std::shared_ptr<const held> hold(const std::string& key, tree& x);
  outcome build(const std::string& key, const recipe& how);
  absl::StatusOr<std::string> make_unnamed();
  void release(const std::string& key);
  void trim();
  void remove_later(std::string name);

  const staged_trees_options options_;
  const std::shared_ptr<io_pool> io_;
  const unique_fd folder_;

  mutable std::mutex guard_; // of what follows; never held while touching the disk
  std::unordered_map<std::string, tree> trees_;
  std::unordered_map<std::string, std::shared_future<outcome>> building_;
  std::list<std::string> unused_; // keys, the longest unused first
  std::size_t entries_ = 0;
  std::uint64_t last_ = 0;
};

} // namespace expbuild
