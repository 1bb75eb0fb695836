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
    auto status = stage_inputs(input_root);
    if (absl::IsNotFound(status))
      return tell_missing(input_root);
    if (!status.ok())
      return status;
    const auto& writable = shared_ ? upper_ : root_;
    input_stager stager(options_, *store_, writable.get(), false);
    for (const auto& folder : paths_.to_create)
      if (status = stager.make_folders(folder, shared_ ? lower_.get() : -1); !status.ok())
        return status;
    return absl::OkStatus();
  }

  std::optional<overlay_spec> overlay() const override {
    if (!shared_)
      return std::nullopt;
    const auto attempt = options_.directory / name_;
    return overlay_spec{shared_->path(), attempt / "upper", attempt / "work", input_root()};
  }

  std::filesystem::path input_root() const override {
    return shared_ ? options_.directory / name_ / "root" : options_.directory / name_;
  }
  std::filesystem::path working_directory() const override {
    return input_root() / paths_.working_directory;
  }
  std::filesystem::path stdout_path() const override { return options_.directory / "stdout"; }
  std::filesystem::path stderr_path() const override { return options_.directory / "stderr"; }

  absl::StatusOr<collected_outputs> collect(const reapi::Command& command,
                                            std::shared_ptr<const unique_fd> merged) override {
    collected_outputs collected;
    output_collector collector(*store_, function_, options_.symlinks,
                               merged ? merged->get() : root_.get());
    if (auto status = collector.collect(paths_, command.output_directory_format(), collected);
        !status.ok())
      return status;
    for (const auto& [path, into] :
         {std::pair{stdout_path(), collected.result.mutable_stdout_digest()},
          std::pair{stderr_path(), collected.result.mutable_stderr_digest()}}) {
      const auto id = collect_log(path, collector, collected);
      if (!id.ok())
        return id.status();
      *into = id->to_proto();
    }
    return collected;
  }

  void remove() override {
    root_ = unique_fd();
    upper_ = unique_fd();
    lower_ = unique_fd();
    shared_ = nullptr;
    const auto top = open_folder(options_.directory);
    const auto status = top.ok() ? remove_tree(top->get(), name_) : top.status();
    if (!status.ok())
      logger().warn("{} could not be cleaned: {}", (options_.directory / name_).string(),
                    status.ToString());
  }

private:
  /// The file stays for the next command; what it takes of the disk does not.
  static absl::StatusOr<digest> collect_log(const std::filesystem::path& path,
                                            output_collector& collector,
                                            collected_outputs& collected) {
    const unique_fd file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!file)
      return errno_status(errno, "reading what the command printed");
    auto id = collector.store_file(file.get(), collected);
    if (id.ok() && id->size_bytes() > 0 && ::ftruncate(file.get(), 0) != 0)
      return errno_status(errno, "emptying what the command printed");
    return id;
  }

  /// Large input roots lie ready below an overlay, small ones are put into the root itself.
  /// NOT_FOUND when a blob is missing.
  absl::Status stage_inputs(const digest& input_root) {
    std::optional<input_tree> tree;
    const auto load_tree = [&]() -> absl::StatusOr<std::size_t> {
      auto loaded = load(input_root);
      if (!loaded.ok())
        return loaded.status();
      tree = *std::move(loaded);
      return tree->entries();
    };
    if (options_.trees && !input_root.is_empty_blob()) {
      auto shared = options_.trees->get(shared_key(input_root),
                                        {.count_entries = load_tree, .fill = [&](int folder) {
                                           input_stager stager(options_, *store_, folder, true);
                                           return stager.stage(*tree);
                                         }});
      if (!shared.ok())
        return shared.status();
      if (*shared)
        return make_overlay(*std::move(shared));
    }
    if (!tree)
      if (const auto entries = load_tree(); !entries.ok())
        return entries.status();
    if (auto status = make_root(); !status.ok())
      return status;
    return input_stager(options_, *store_, root_.get(), options_.may_link).stage(*tree);
  }

  /// All that a staged tree depends on, beside the store.
  std::string shared_key(const digest& input_root) const {
    return to_string(input_root.function()) + "/" + input_root.to_string() + " of "
           + std::to_string(options_.uid) + ":" + std::to_string(options_.gid);
  }

  /// Files are not looked up here: staging them tells.
  absl::StatusOr<input_tree> load(const digest& root) {
    std::vector<digest> missing;
    auto tree = load_input_tree(
        *store_, root, options_.symlinks, options_.limits, [](const digest&) { return true; },
        missing);
    if (tree.ok() && !missing.empty())
      return absl::NotFoundError("a directory is missing");
    if (tree.ok() && options_.inputs_promised > 0)
      promise(*tree);
    return tree;
  }

  /// Should another attempt be needed, the inputs are still there. Once staged, this one has them.
  void promise(const input_tree& tree) {
    std::vector<digest> inputs;
    inputs.reserve(tree.files.size());
    for (const auto& file : tree.files)
      inputs.push_back(file.content);
    const auto now = options_.clock();
    store_->index().promise(inputs, now, now + options_.inputs_promised);
  }

  /// Something is missing: looks for everything that is. What can not be read now, for want of
  /// descriptors say, is not missing.
  absl::Status tell_missing(const digest& root) {
    std::vector<digest> missing;
    const auto tree = load_input_tree(
        *store_, root, options_.symlinks, options_.limits,
        [this](const digest& id) { return !absl::IsNotFound(store_->open(id).status()); }, missing);
    if (!tree.ok())
      return tree.status();
    if (missing.empty()) // it has come meanwhile
      return absl::UnavailableError("an input was missing for a moment; execute the action again");
    return missing_blobs_error("cannot stage the inputs of the action", missing);
  }

  /// Without an overlay the attempt's folder is the input root.
  absl::Status make_root() {
    const auto top = open_folder(options_.directory);
    return top.ok() ? make_own(top->get(), name_, root_) : top.status();
  }

  absl::Status make_overlay(std::shared_ptr<const staged_trees::held> lower) {
    shared_ = std::move(lower);
    auto folder = open_folder(shared_->path());
    if (!folder.ok())
      return folder.status();
    lower_ = *std::move(folder);
    const auto top = open_folder(options_.directory);
    if (!top.ok())
      return top.status();
    const auto attempt = make_folder(top->get(), name_, 0711);
    if (!attempt.ok())
      return attempt.status();
    unique_fd work;
    for (auto [name, to] : {std::pair{"root", &root_}, {"work", &work}, {"upper", &upper_}})
      if (auto status = make_own(attempt->get(), name, *to); !status.ok())
        return status;
    return absl::OkStatus();
  }

  /// A folder that belongs to the action's user.
  absl::Status make_own(int parent, const std::string& name, unique_fd& to) const {
    auto folder = make_folder(parent, name, 0755);
    if (!folder.ok())
      return folder.status();
    to = *std::move(folder);
    if (::geteuid() == 0 && ::fchown(to.get(), options_.uid, options_.gid) != 0)
      return errno_status(errno, "giving the folder '" + name + "' to the action's user");
    return absl::OkStatus();
  }

  const workspace_options options_;
  const std::shared_ptr<backend> store_;
  const digest_function function_;
  const std::string name_;
  command_paths paths_;
  unique_fd root_; // what the inputs lie in, or the overlay is mounted at
  std::shared_ptr<const staged_trees::held> shared_; // null: no overlay
  unique_fd lower_;
  unique_fd upper_;
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
