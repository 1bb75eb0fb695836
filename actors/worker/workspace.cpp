#include "actors/worker/workspace.hpp"

#include "actors/log.hpp"
#include "actors/worker/command_paths.hpp"
#include "actors/worker/input_stager.hpp"
#include "actors/worker/output_collector.hpp"
#include "actors/worker/remove_tree.hpp"
#include "storage/folder_listing.hpp"
#include "storage/missing.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("workspace");
  return instance;
}

absl::StatusOr<unique_fd> open_folder(const std::filesystem::path& path) {
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd)
    return errno_status(errno, "opening " + path.string());
  return fd;
}

class disk_workspace : public workspace {
public:
  disk_workspace(const workspace_options& options, std::shared_ptr<backend> store,
                 digest_function function, std::uint64_t attempt)
      : options_(options), store_(std::move(store)), function_(function),
        name_("attempt-" + std::to_string(attempt)) {}

  absl::Status stage(const digest& input_root, const reapi::Command& command) override {
    if (command.arguments().empty())
      return absl::InvalidArgumentError("Command.arguments is empty: there is nothing to run");
    auto paths = resolve_command_paths(command);
    if (!paths.ok())
      return paths.status();
    paths_ = *std::move(paths);
    const auto tree = load(input_root);
    if (!tree.ok())
      return tree.status();
    if (auto status = make_root(); !status.ok())
      return status;
    input_stager stager(options_, *store_, root_.get());
    if (auto status = stager.stage(*tree); !status.ok())
      return status;
    for (const auto& folder : paths_.to_create)
      if (auto status = stager.make_folders(folder); !status.ok())
        return status;
    return absl::OkStatus();
  }

  std::filesystem::path working_directory() const override {
    return options_.directory / name_ / "root" / paths_.working_directory;
  }
  std::filesystem::path stdout_path() const override {
    return options_.directory / name_ / "stdout";
  }
  std::filesystem::path stderr_path() const override {
    return options_.directory / name_ / "stderr";
  }

  absl::StatusOr<collected_outputs> collect(const reapi::Command& command) override {
    collected_outputs collected;
    output_collector collector(*store_, function_, options_.symlinks, root_.get());
    if (auto status = collector.collect(paths_, command.output_directory_format(), collected);
        !status.ok())
      return status;
    for (const auto& [path, into] :
         {std::pair{stdout_path(), collected.result.mutable_stdout_digest()},
          std::pair{stderr_path(), collected.result.mutable_stderr_digest()}}) {
      const unique_fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      if (!file)
        return errno_status(errno, "reading what the command printed");
      const auto id = collector.store_file(file.get(), collected);
      if (!id.ok())
        return id.status();
      *into = id->to_proto();
    }
    return collected;
  }

  void remove() override {
    root_ = unique_fd();
    const auto top = open_folder(options_.directory);
    const auto status = top.ok() ? remove_tree(top->get(), name_) : top.status();
    if (!status.ok())
      logger().warn("{} could not be cleaned: {}", (options_.directory / name_).string(),
                    status.ToString());
  }

private:
  absl::StatusOr<input_tree> load(const digest& root) {
    std::vector<digest> missing;
    auto tree = load_input_tree(
        *store_, root, options_.symlinks, options_.limits,
        [this](const digest& id) { return store_->open(id).ok(); }, missing);
    if (tree.ok() && !missing.empty())
      return missing_blobs_error("cannot stage the inputs of the action", missing);
    return tree;
  }

  absl::Status make_root() {
    const auto top = open_folder(options_.directory);
    if (!top.ok())
      return top.status();
    const auto attempt = make_folder(top->get(), name_, 0711);
    if (!attempt.ok())
      return attempt.status();
    auto root = make_folder(attempt->get(), "root", 0755);
    if (!root.ok())
      return root.status();
    root_ = *std::move(root);
    if (::geteuid() == 0 && ::fchown(root_.get(), options_.uid, options_.gid) != 0)
      return errno_status(errno, "giving the input root to the action's user");
    return absl::OkStatus();
  }

  const workspace_options options_;
  const std::shared_ptr<backend> store_;
  const digest_function function_;
  const std::string name_;
  command_paths paths_;
  unique_fd root_;
};

} // namespace

absl::Status prepare_workspaces(const workspace_options& options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  const auto top = open_folder(options.directory);
  if (!top.ok())
    return top.status();
  if (::fchmod(top->get(), 0711) != 0)
    return errno_status(errno, "setting the mode of " + options.directory.string());
  std::vector<std::string> left;
  auto status = list_folder(top->get(), ".", [&left](const std::string& name) {
    left.push_back(name);
    return absl::OkStatus();
  });
  for (const auto& name : left)
    if (status.ok())
      status = remove_tree(top->get(), name);
  return status;
}

std::unique_ptr<workspace> make_workspace(const workspace_options& options,
                                          std::shared_ptr<backend> store, digest_function function,
                                          std::uint64_t attempt) {
  return std::make_unique<disk_workspace>(options, std::move(store), function, attempt);
}

} // namespace expbuild
