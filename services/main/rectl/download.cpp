#include "services/main/rectl/download.hpp"

#include "storage/input_tree.hpp"
#include "storage/posix.hpp"

#include <absl/strings/str_split.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>

namespace expbuild {

namespace {

/// Writes beneath one folder only.
class output_folder {
public:
  output_folder(client& from, unique_fd root) : from_(from), root_(std::move(root)) {}

  absl::Status write_file(const std::string& path, const reapi::Digest& wire, bool executable) {
    const auto id = digest::from_proto(wire, digest_function::sha256);
    if (!id.ok())
      return id.status();
    const auto parent = make_parents(path);
    if (!parent.ok())
      return parent.status();
    const auto name = path.substr(path.rfind('/') + 1);
    ::unlinkat(parent->get(), name.c_str(), 0);
    const unique_fd file(::openat(parent->get(), name.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                  executable ? 0755 : 0644));
    if (!file)
      return errno_status(errno, "creating " + path);
    return read_remote(from_, *id, [&](std::string_view bytes) {
      return write_all(file.get(), bytes, "writing " + path);
    });
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
    std::unordered_map<std::string, const reapi::Directory*> known;
    for (const auto& child : tree.children())
      known[digest::of(child.SerializeAsString()).hash()] = &child;
    return write_directory(path, tree.root(), known, 0);
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
  write_directory(const std::string& path, const reapi::Directory& dir,
                  const std::unordered_map<std::string, const reapi::Directory*>& known,
                  int depth) {
    if (depth > 1000)
      return absl::DataLossError("the server sent a Tree that is too deep");
    // The name is only there to be the last part: its parents are this folder.
    if (auto status = make_parents(path + "/x").status(); !status.ok())
      return status;
    const auto id = digest::of(dir.SerializeAsString());
    if (auto status = validate_directory(dir, id, absolute_symlinks::allowed); !status.ok())
      return status;
    auto status = absl::OkStatus();
    for (const auto& file : dir.files())
      status.Update(write_file(path + "/" + file.name(), file.digest(), file.is_executable()));
    for (const auto& link : dir.symlinks())
      status.Update(write_link(path + "/" + link.name(), link.target()));
    for (const auto& node : dir.directories()) {
      const auto child = known.find(node.digest().hash());
      if (child == known.end())
        return absl::DataLossError("the Tree of " + path + " lacks a directory");
      status.Update(write_directory(path + "/" + node.name(), *child->second, known, depth + 1));
    }
    return status;
  }

  client& from_;
  const unique_fd root_;
};

} // namespace

absl::Status read_remote(client& from, const digest& id,
                         const std::function<absl::Status(std::string_view)>& take) {
  google::bytestream::ReadRequest request;
  const auto& instance = from.options().instance;
  request.set_resource_name((instance.empty() ? "" : instance + "/") + id.to_resource());
  const auto context = from.new_call();
  const auto stream = from.bytes->Read(context.get(), request);
  google::bytestream::ReadResponse response;
  auto status = absl::OkStatus();
  while (status.ok() && stream->Read(&response))
    status = take(response.data());
  if (!status.ok())
    context->TryCancel();
  const auto end = from_grpc(stream->Finish(), "downloading " + id.to_string());
  return status.ok() ? end : status;
}

absl::StatusOr<std::string> read_remote(client& from, const digest& id) {
  std::string bytes;
  auto status = read_remote(from, id, [&bytes](std::string_view piece) {
    bytes.append(piece);
    return absl::OkStatus();
  });
  if (!status.ok())
    return status;
  if (!(digest::of(bytes, id.function()) == id))
    return absl::DataLossError("the server sent wrong bytes for " + id.to_string());
  return bytes;
}

absl::Status download_outputs(client& from, const reapi::ActionResult& result,
                              const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  unique_fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root)
    return errno_status(errno, "opening " + folder.string());
  output_folder into(from, std::move(root));
  auto status = absl::OkStatus();
  for (const auto& file : result.output_files())
    status.Update(into.write_file(file.path(), file.digest(), file.is_executable()));
  for (const auto& link : result.output_symlinks())
    status.Update(into.write_link(link.path(), link.target()));
  for (const auto& tree : result.output_directories())
    status.Update(into.write_tree(tree.path(), tree.tree_digest()));
  return status;
}

} // namespace expbuild
