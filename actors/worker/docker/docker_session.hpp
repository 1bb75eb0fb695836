#pragma once
#include "actors/worker/docker/docker_executor.hpp"

namespace expbuild {

/// What both kinds of Docker executors do alike, on the execution thread: clear away what an
/// earlier life has left, find the image that a command wants, get ready for it, run the command,
/// say how it ended. How one gets ready, and what a command runs in, is the kind's own.
class docker_session : public std::enable_shared_from_this<docker_session> {
public:
  docker_session(docker_engine engine, docker_executor_options options);
  virtual ~docker_session() = default;

  /// These are the seam's (executor.hpp).
  void open(executor::on_ready ready, executor::on_lost lost);
  void start(const command_spec& command, executor::on_ended ended);
  void stop();
  virtual void check_health(executor::on_ready answer) = 0;
  std::int64_t pid() const { return process_.load(); }

  /// Lets go of everything; no callback runs any more.
  void close();

protected:
  /// Gets ready for commands in image(), whatever there was before; then calls `prepared`.
  virtual void prepare() = 0;
  /// Whether it is ready, or will be, for commands in image().
  virtual bool is_prepared() const = 0;
  virtual bool can_begin() const = 0;
  /// Runs this; then calls `finish`.
  virtual void begin(const command_spec& command) = 0;
  virtual void stop_command() = 0;
  /// Of containers and runners, at the end.
  virtual void let_go() = 0;

  void prepared();
  void finish(absl::StatusOr<command_ended> ended);
  /// It can run nothing more: whoever waits is told.
  void fail(const absl::Status& why);
  /// Runs a container and goes on with it, or fails. When this was closed meanwhile it goes again.
  void run_container(const container_spec& spec,
                     std::function<void(const running_container&)> next);

  /// For callbacks of what may outlive this: they do nothing afterwards.
  template <class Kind>
  std::weak_ptr<Kind> me() {
    return std::static_pointer_cast<Kind>(shared_from_this());
  }
  bool is_open() const { return lost_ != nullptr; }
  bool is_busy() const { return ended_ != nullptr; }
  const image_facts& image() const { return image_; }
  const std::string& image_name() const { return image_name_; }
  void set_pid(std::int64_t pid) { process_ = pid; }

  const docker_engine engine_;
  const docker_executor_options options_;

private:
  void find_image(const std::string& name);
  void has_image(const std::string& name, const image_facts& found);
  void begin_if_ready();

  executor::on_ready ready_;
  executor::on_lost lost_;
  executor::on_ended ended_;
  command_spec command_;
  bool stopped_ = false;
  bool looks_for_image_ = false;
  std::uint64_t search_ = 0; ///< whose answer counts
  std::string image_name_;   ///< what image_ was found by
  image_facts image_;
  std::atomic<std::int64_t> process_{0};
};

} // namespace expbuild
