#include "actors/worker/output_collector.hpp"

#include "actors/worker/relative_path.hpp"
#include "storage/output_tree.hpp"
#include "storage/utf8.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace expbuild {

namespace {

using kind = expected_output::kind;

absl::Status unfit(const expected_output& output, const std::string& how) {
  return absl::FailedPreconditionError("output '" + output.wanted + "' " + how);
}

/// What the entry itself is: a link is a link. NOT_FOUND also when a parent is no real folder.
absl::StatusOr<struct stat> look_at(int root, const std::string& path) {
  const auto parent =
      open_beneath(root, parent_of(path).empty() ? "." : parent_of(path), O_PATH | O_DIRECTORY);
  if (!parent.ok())
    return absl::NotFoundError("no such folder");
  struct stat facts {};
  const auto name = path.empty() ? std::string(".") : name_of(path);
  if (::fstatat(parent->get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
    return errno_status(errno, "looking at output '" + path + "'");
  return facts;
}

} // namespace

absl::Status output_collector::collect(const command_paths& paths,
                                       reapi::Command::OutputDirectoryFormat format,
                                       collected_outputs& into) {
  properties_ = paths.properties;
  with_directories_ = format != reapi::Command::TREE_ONLY;
  for (const auto& output : paths.outputs)
    if (auto status = collect_one(output, into); !status.ok())
      return status;
  return absl::OkStatus();
}

absl::Status output_collector::collect_one(const expected_output& output, collected_outputs& into) {
  const auto facts = look_at(root_, output.path);
  if (absl::IsNotFound(facts.status()))
    return absl::OkStatus(); // an absent output is left out
  if (!facts.ok())
    return facts.status();
  if (S_ISLNK(facts->st_mode))
    return add_link(output, *facts, into);
  if (S_ISREG(facts->st_mode) && output.what != kind::directory)
    return add_file(output, *facts, into);
  if (S_ISDIR(facts->st_mode) && output.what != kind::file)
    return add_directory(output, into);
  if (S_ISREG(facts->st_mode) || S_ISDIR(facts->st_mode))
    return unfit(output, S_ISDIR(facts->st_mode) ? "is a directory, a file was announced"
                                                 : "is a file, a directory was announced");
  return unfit(output, "is neither a file, a directory nor a symlink");
}

absl::StatusOr<digest> output_collector::store_file(int fd, collected_outputs& into) {
  auto id = write_file(store_, fd, function_);
  if (id.ok() && !id->is_empty_blob())
    into.stored.push_back(*id);
  return id;
}

absl::StatusOr<digest> output_collector::store_message(const google::protobuf::MessageLite& message,
                                                       collected_outputs& into) {
  auto id = write_blob(store_, message.SerializeAsString(), function_);
  if (id.ok() && !id->is_empty_blob())
    into.stored.push_back(*id);
  return id;
}

absl::Status output_collector::add_file(const expected_output& output, const struct stat& facts,
                                        collected_outputs& into) {
  const auto file = open_beneath(root_, output.path, O_RDONLY);
  if (!file.ok())
    return file.status();
  const auto id = store_file(file->get(), into);
  if (!id.ok())
    return id.status();
  auto& entry = *into.result.add_output_files();
  entry.set_path(output.wanted);
  *entry.mutable_digest() = id->to_proto();
  entry.set_is_executable((facts.st_mode & S_IXUSR) != 0);
  describe_node(properties_, facts, entry);
  return absl::OkStatus();
}

absl::Status output_collector::add_directory(const expected_output& output,
                                             collected_outputs& into) {
  const auto folder =
      open_beneath(root_, output.path.empty() ? "." : output.path, O_RDONLY | O_DIRECTORY);
  if (!folder.ok())
    return folder.status();
  const auto tree = read_directory_tree(
      folder->get(), function_, symlinks_,
      [&](int fd, const std::string&) { return store_file(fd, into); }, properties_);
  if (!tree.ok())
    return absl::Status(tree.status().code(), "in output directory '" + output.wanted
                                                  + "': " + std::string(tree.status().message()));
  const auto tree_id = store_message(tree->to_tree(), into);
  if (!tree_id.ok())
    return tree_id.status();
  auto& entry = *into.result.add_output_directories();
  entry.set_path(output.wanted);
  *entry.mutable_tree_digest() = tree_id->to_proto();
  entry.set_is_topologically_sorted(true);
  if (!with_directories_)
    return absl::OkStatus();
  for (const auto& child : tree->children)
    if (const auto id = store_message(child, into); !id.ok())
      return id.status();
  const auto root_id = store_message(tree->root, into);
  if (!root_id.ok())
    return root_id.status();
  *entry.mutable_root_directory_digest() = root_id->to_proto();
  return absl::OkStatus();
}

absl::Status output_collector::add_link(const expected_output& output, const struct stat& facts,
                                        collected_outputs& into) {
  const auto parent_path = parent_of(output.path);
  const auto parent =
      open_beneath(root_, parent_path.empty() ? "." : parent_path, O_PATH | O_DIRECTORY);
  if (!parent.ok())
    return parent.status();
  const auto target = read_link(parent->get(), name_of(output.path));
  if (!target.ok())
    return target.status();
  if (!is_utf8(*target))
    return unfit(output, "points to a name that is not UTF-8");
  if (target->front() == '/' && symlinks_ == absolute_symlinks::disallowed)
    return unfit(output,
                 "is a symlink to the absolute path '" + *target
                     + "', which this server does not allow (symlink_absolute_path_strategy)");
  // Which of the older lists: by what it leads to inside the root, a file when nothing is there.
  const auto led_to = resolve_path(parent_path, *target, "target");
  const bool to_directory =
      output.what == kind::directory
      || (output.what == kind::any && led_to.ok()
          && open_beneath(root_, led_to->empty() ? "." : *led_to, O_PATH | O_DIRECTORY).ok());
  auto& older = to_directory ? *into.result.add_output_directory_symlinks()
                             : *into.result.add_output_file_symlinks();
  older.set_path(output.wanted);
  older.set_target(*target);
  describe_node(properties_, facts, older);
  if (output.what == kind::any)
    *into.result.add_output_symlinks() = older;
  return absl::OkStatus();
}

} // namespace expbuild
