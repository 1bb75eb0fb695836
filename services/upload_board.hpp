#pragma once
#include "services/suspended_uploads.hpp"
#include "storage/io_pool.hpp"

#include <absl/status/statusor.h>

#include <functional>
#include <mutex>

namespace grpc {
class Alarm;
}

namespace expbuild {

/// One stream that receives a blob, as the board sees it. Called from any thread; must not block.
class live_upload {
public:
  virtual ~live_upload() = default;
  /// Bytes received and hashed.
  virtual std::int64_t committed() const = 0;
  /// A newer stream goes on with this name: release it as soon as nothing is being written.
  virtual void give_way() = 0;
  /// Somebody else has stored the blob: its client need not go on.
  virtual void stored_elsewhere() = 0;
};

/// Who receives what: one stream for each resource name, and what interrupted ones left. The newest
/// stream of a name wins, since a client that lost its connection comes back before we notice that
/// the old one is dead. Interrupted uploads expire by an alarm that is set only while there are
/// any. Any thread may call; nothing blocks: writers that expire are let go in the I/O pool.
class upload_board : public std::enable_shared_from_this<upload_board> {
public:
  using writer = std::shared_ptr<blob_writer>;
  /// What an earlier stream left, or null; ABORTED when a still newer stream has come.
  using on_turn = std::function<void(absl::StatusOr<writer>)>;

  upload_board(std::shared_ptr<io_pool> io, suspension_options options);
  ~upload_board();

  /// Calls `turn` once the name is `who`'s alone, perhaps at once. `who` is kept until `release`.
  void claim(const std::string& name, const digest& id, std::shared_ptr<live_upload> who,
             on_turn turn);

  /// The stream has ended. `rest` other than null can be taken up again. Nothing happens when the
  /// name is not (or no longer) `who`'s.
  void release(const std::string& name, const live_upload& who, writer rest);

  /// The blob can be found: tells everyone who receives it.
  void stored(const digest& id);

  /// Of the stream that has the name, or of what an earlier one left; 0 when there is none.
  std::int64_t committed(const std::string& name) const;

private:
  struct claimant {
    digest id;
    std::shared_ptr<live_upload> who;
    on_turn turn;
  };
  struct place {
    claimant now;
    std::optional<claimant> next;
  };

  void arm();
  void expire();
  void let_go(std::vector<writer> gone) const;

  const std::shared_ptr<io_pool> io_;
  mutable std::mutex guard_; // held for look-ups and assignments, never while calling anybody
  std::unordered_map<std::string, place> live_;
  std::unordered_multimap<digest, std::shared_ptr<live_upload>> by_blob_;
  suspended_uploads suspended_;
  std::unique_ptr<grpc::Alarm> alarm_; ///< null while nothing can expire
};

} // namespace expbuild
