#pragma once
#include "actors/worker/executor.hpp"
#include "actors/worker/staged_trees.hpp"
#include "storage/backend.hpp"
#include "storage/input_tree.hpp"

#include <absl/status/statusor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace expbuild {

struct workspace_options {
  /// The worker's own folder; created (0711) when absent, and emptied at start: whatever lies in
  /// it was left by an earlier life.
  std::filesystem::path directory;
  absolute_symlinks symlinks = absolute_symlinks::disallowed;
  tree_limits limits;
  /// Who owns what an action may write. Its own uid when the daemon is not root.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  /// Inputs may be hardlinks into the store: only when actions run as another uid than the store's
  /// owner and not as root. Copies otherwise, and whenever linking fails (EXDEV, EMLINK).
  bool may_link = false;
  /// How long inputs stay in the store once an attempt has read which they are.
  store_seconds inputs_promised = 0;
  store_clock clock = make_store_clock();
  /// Input roots that can be mounted below an overlay; null where the system mounts none.
  std::shared_ptr<staged_trees> trees;
  /// Whose free threads help to stage large input roots; null: none does.
  std::shared_ptr<io_pool> io = nullptr;
};

/// What an attempt left behind, before it is known to be an ActionResult.
struct collected_outputs {
  reapi::ActionResult result; ///< outputs, stdout and stderr by digest; no exit code, no metadata
  std::vector<digest> stored; ///< every blob that was written to the store for it
};

/// The folder of one attempt: DIRECTORY/attempt-N is the input root, or with an overlay holds
/// {root,upper,work}; DIRECTORY/{stdout,stderr} serve one attempt after the other. Stages the
/// inputs of an action and collects its outputs. Plain class; everything blocks (I/O pool, long
/// lane). One thread at a time. No string of the client becomes a path by concatenation: everything
/// below the root is opened by directory descriptors that can not leave it.
class workspace {
public:
  virtual ~workspace() = default;

  /// Builds the input root and the parents of the outputs. FAILED_PRECONDITION with all missing
  /// blobs (missing_blobs_error); INVALID_ARGUMENT names the field, digest or entry that is
  /// malformed (empty arguments, absolute or escaping working_directory or output path, ...).
  virtual absl::Status stage(const digest& input_root, const reapi::Command& command) = 0;

  /// What is to be mounted over the input root before the command starts, so that a large input
  /// root costs one mount; nullopt: the inputs lie in it. Valid after `stage`.
  virtual std::optional<overlay_spec> overlay() const = 0;

  /// Absolute paths of the attempt; valid after `stage`.
  virtual std::filesystem::path input_root() const = 0;
  virtual std::filesystem::path working_directory() const = 0; ///< input root + working_directory
  virtual std::filesystem::path stdout_path() const = 0;
  virtual std::filesystem::path stderr_path() const = 0;

  /// Stores the outputs that exist (absent ones are left out), stdout and stderr. Both generations
  /// of output fields as the protocol asks. FAILED_PRECONDITION for an output that can not be
  /// expressed, RESOURCE_EXHAUSTED when the store is full. `merged` is the root as the command
  /// saw it (command_ended::root); null without an overlay.
  virtual absl::StatusOr<collected_outputs> collect(const reapi::Command& command,
                                                    std::shared_ptr<const unique_fd> merged) = 0;

  /// Removes the attempt's folder, whoever owns what lies in it. Best effort; logged when it fails.
  virtual void remove() = 0;
};

/// Makes and cleans the worker's folder; call once before its first workspace.
absl::Status prepare_workspaces(const workspace_options& options);

/// `attempt` names the folder: unique in the worker's life.
std::unique_ptr<workspace> make_workspace(const workspace_options& options,
                                          std::shared_ptr<backend> store, digest_function function,
                                          std::uint64_t attempt);

} // namespace expbuild
