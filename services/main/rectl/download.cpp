#include "services/main/rectl/download.hpp"

#include "services/main/rectl/whole_file.hpp"
#include "storage/hasher.hpp"
#include "storage/input_tree.hpp"
#include "storage/posix.hpp"

#include <absl/strings/str_split.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>

namespace expbuild {

namespace {

constexpr int max_tries = 6;

/// Writes beneath one folder only.
class output_folder {
public:
  output_folder(client& from, unique_fd root, std::function<void(std::int64_t)> progress)
      : from_(from), root_(std::move(root)), progress_(std::move(progress)) {}

  absl::Status write_file(const std::string& path, const reapi::Digest& wire, bool executable) {
    const auto id = digest::from_proto(wire, digest_function::sha256);
    if (!id.ok())
      return id.status();
    const auto parent = make_parents(path);
    if (!parent.ok())
      return parent.status();
    const auto name = path.substr(path.rfind('/') + 1);
    auto file = whole_file::create(parent->get(), name, executable ? 0755 : 0644);
    if (!file.ok())
      return file.status();
    auto status = read_verified(from_, *id, [&](std::string_view bytes) {
      progress_(static_cast<std::int64_t>(bytes.size()));
      return file->append(bytes);
    });
    return status.ok() ? file->publish() : status;
  }

  absl::Status write_link(const std::string& path, const std::string& target) {
    const auto parent = make_parents(path);
    if (!parent.ok())
      return parent.status();
    const auto name = path.substr(path.rfind('/') + 1);
    ::unlinkat(parent->get(), name.c_str(), 0);
    if (::symlinkat(target.c_str(), parent->get(), name.c_str()) != 0)
      return errno_status(errno, "making link " + path);
    return absl::OkStatus();
  }

  absl::Status write_tree(const std::string& path, const reapi::Digest& wire) {
    const auto id = digest::from_proto(wire, digest_function::sha256);
    if (!id.ok())
      return id.status();
    const auto bytes = read_remote(from_, *id);
    reapi::Tree tree;
    if (!bytes.ok() || !tree.ParseFromString(*bytes))
      return bytes.ok() ? absl::DataLossError("the server sent no Tree for " + path)
                        : bytes.status();
    return write_tree(path + "/", tree);
  }

  /// `prefix` is empty or ends with a slash.
  absl::Status write_tree(const std::string& prefix, const reapi::Tree& tree) {
    std::unordered_map<std::string, const reapi::Directory*> known;
    for (const auto& child : tree.children())
      known[digest::of(child.SerializeAsString()).hash()] = &child;
    return write_directory(prefix, tree.root(), known, 0);
  }

private:
  /// The folder that `path` lies in, made where it is absent.
  absl::StatusOr<unique_fd> make_parents(const std::string& path) {
    unique_fd here(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 3));
    const std::vector<std::string> parts = absl::StrSplit(path, '/');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty() || parts[i] == "." || parts[i] == "..")
        return absl::InvalidArgumentError("the server names an output outside of the folder: '"
                                          + path + "'");
      if (i + 1 == parts.size())
        break;
      auto next = make_folder(here.get(), parts[i], 0755);
      if (!next.ok())
        return next.status();
      here = *std::move(next);
    }
    return here;
  }

  absl::Status
  write_directory(const std::string& prefix, const reapi::Directory& dir,
                  const std::unordered_map<std::string, const reapi::Directory*>& known,
                  int depth) {
    if (depth > 1000)
      return absl::DataLossError("the server sent a Tree that is too deep");
    // The name is only there to be the last part: its parents are this folder.
    if (auto status = make_parents(prefix + "x").status(); !status.ok())
      return status;
    const auto id = digest::of(dir.SerializeAsString());
    if (auto status = validate_directory(dir, id, absolute_symlinks::allowed); !status.ok())
      return status;
    auto status = absl::OkStatus();
    for (const auto& file : dir.files())
      status.Update(write_file(prefix + file.name(), file.digest(), file.is_executable()));
    for (const auto& link : dir.symlinks())
      status.Update(write_link(prefix + link.name(), link.target()));
    for (const auto& node : dir.directories()) {
      const auto child = known.find(node.digest().hash());
      if (child == known.end())
        return absl::DataLossError("the tree lacks directory " + prefix + node.name());
      status.Update(write_directory(prefix + node.name() + "/", *child->second, known, depth + 1));
    }
    return status;
  }

  client& from_;
  unique_fd root_;
  std::function<void(std::int64_t)> progress_;
};

absl::StatusOr<output_folder> open_output(client& from, const std::filesystem::path& folder,
                                          std::function<void(std::int64_t)> progress) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  unique_fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root)
    return errno_status(errno, "opening " + folder.string());
  return output_folder(from, std::move(root), std::move(progress));
}

/// What can only be a Directory; a Tree read as one has names and digests that can not be.
bool is_directory(const std::string& bytes, const digest& id) {
  reapi::Directory dir;
  return dir.ParseFromString(bytes) && validate_directory(dir, id, absolute_symlinks::allowed).ok();
}

absl::StatusOr<reapi::Tree> fetch_tree(client& from, const digest& root) {
  reapi::GetTreeRequest request;
  request.set_instance_name(from.options().instance);
  *request.mutable_root_digest() = root.to_proto();
  const auto context = from.new_call();
  const auto stream = from.cas->GetTree(context.get(), request);
  reapi::Tree tree;
  reapi::GetTreeResponse page;
  while (stream->Read(&page))
    for (auto& dir : *page.mutable_directories())
      *(tree.has_root() ? tree.add_children() : tree.mutable_root()) = std::move(dir);
  auto status = from_grpc(stream->Finish(), "reading the tree of " + root.to_string());
  if (!status.ok())
    return status;
  return tree;
}

} // namespace

absl::Status read_remote(client& from, const digest& id,
                         const std::function<absl::Status(std::string_view)>& take) {
  google::bytestream::ReadRequest request;
  const auto& instance = from.options().instance;
  request.set_resource_name((instance.empty() ? "" : instance + "/") + id.to_resource());
  auto end = absl::OkStatus();
  for (int tries = 0; tries < max_tries; ++tries) {
    const auto context = from.new_long_call();
    context->set_wait_for_ready(tries > 0);
    const auto stream = from.bytes->Read(context.get(), request);
    google::bytestream::ReadResponse response;
    auto status = absl::OkStatus();
    while (status.ok() && stream->Read(&response)) {
      status = take(response.data());
      request.set_read_offset(request.read_offset()
                              + static_cast<std::int64_t>(response.data().size()));
    }
    if (!status.ok())
      context->TryCancel();
    end = from_grpc(stream->Finish(), "downloading " + id.to_string());
    if (!status.ok())
      return status;
    if (!absl::IsUnavailable(end))
      break;
  }
  return end;
}

absl::Status read_verified(client& from, const digest& id,
                           const std::function<absl::Status(std::string_view)>& take) {
  hasher hash(id.function());
  auto status = read_remote(from, id, [&](std::string_view bytes) {
    hash.update(bytes);
    return take(bytes);
  });
  if (status.ok() && !(hash.finish() == id))
    return absl::DataLossError("the server sent wrong bytes for " + id.to_string());
  return status;
}

absl::StatusOr<std::string> read_remote(client& from, const digest& id) {
  std::string bytes;
  auto status = read_verified(from, id, [&bytes](std::string_view piece) {
    bytes.append(piece);
    return absl::OkStatus();
  });
  if (!status.ok())
    return status;
  return bytes;
}

absl::Status download_outputs(client& from, const reapi::ActionResult& result,
                              const std::filesystem::path& folder) {
  auto into = open_output(from, folder, [](std::int64_t) {});
  if (!into.ok())
    return into.status();
  auto status = absl::OkStatus();
  for (const auto& file : result.output_files())
    status.Update(into->write_file(file.path(), file.digest(), file.is_executable()));
  for (const auto& link : result.output_symlinks())
    status.Update(into->write_link(link.path(), link.target()));
  for (const auto& tree : result.output_directories())
    status.Update(into->write_tree(tree.path(), tree.tree_digest()));
  return status;
}

absl::Status download_tree(client& from, const digest& root, const std::filesystem::path& folder,
                           const std::function<void(std::int64_t)>& progress) {
  const auto bytes = read_remote(from, root);
  if (!bytes.ok())
    return bytes.status();
  reapi::Tree tree;
  if (is_directory(*bytes, root)) {
    auto fetched = fetch_tree(from, root);
    if (!fetched.ok())
      return fetched.status();
    tree = *std::move(fetched);
  } else if (!tree.ParseFromString(*bytes)) {
    return absl::InvalidArgumentError("blob " + root.to_string()
                                      + " is neither a Directory nor a Tree");
  }
  auto into = open_output(from, folder, progress);
  return into.ok() ? into->write_tree("", tree) : into.status();
}

} // namespace expbuild
