#include "storage/referenced_blobs.hpp"

#include <unordered_set>

namespace expbuild {

namespace {

/// Collects digests, each once, and remembers the first that is malformed.
class digest_set {
public:
  explicit digest_set(digest_function function) : function_(function) {}

  void add(const reapi::Digest& wire) {
    const auto id = digest::from_proto(wire, function_);
    if (!id.ok())
      status_ = id.status();
    else if (seen_.insert(*id).second)
      all_.push_back(*id);
  }

  void add_files(const reapi::Directory& dir) {
    for (const auto& file : dir.files())
      add(file.digest());
  }

  const absl::Status& status() const { return status_; }
  std::vector<digest> take() { return std::move(all_); }

private:
  digest_function function_;
  absl::Status status_;
  std::unordered_set<digest> seen_;
  std::vector<digest> all_;
};

/// Reads the Trees of a result, each once however often it is named: a few bytes name one.
class tree_reader {
public:
  tree_reader(backend& from, digest_function function, std::int64_t max_bytes)
      : from_(from), function_(function), max_bytes_(max_bytes) {}

  absl::Status add(const reapi::OutputDirectory& output, digest_set& into) {
    const auto id = digest::from_proto(output.tree_digest(), function_);
    if (!id.ok())
      return id.status();
    into.add(output.tree_digest());
    const bool with_directories = output.has_root_directory_digest();
    if (with_directories)
      into.add(output.root_directory_digest());
    auto& done = with_directories ? with_directories_ : files_only_;
    return done.insert(*id).second ? add_tree(*id, with_directories, into) : absl::OkStatus();
  }

private:
  absl::Status add_tree(const digest& id, bool with_directories, digest_set& into) {
    if (id.size_bytes() > max_bytes_ - read_)
      return absl::InvalidArgumentError("with Tree " + id.to_string()
                                        + " the Trees of the ActionResult are larger than "
                                        + std::to_string(max_bytes_) + " bytes");
    read_ += id.size_bytes();
    const auto bytes = read_blob(from_, id, max_bytes_);
    if (!bytes.ok())
      return bytes.status();
    reapi::Tree tree;
    if (!tree.ParseFromString(*bytes))
      return absl::InvalidArgumentError("blob " + id.to_string() + " is not a Tree message");
    into.add_files(tree.root());
    for (const auto& child : tree.children())
      into.add_files(child);
    if (with_directories)
      for (const auto& child : tree.children())
        into.add(digest::of(child.SerializeAsString(), function_).to_proto());
    return absl::OkStatus();
  }

  backend& from_;
  const digest_function function_;
  const std::int64_t max_bytes_;
  std::int64_t read_ = 0;
  std::unordered_set<digest> with_directories_;
  std::unordered_set<digest> files_only_;
};

} // namespace

absl::StatusOr<std::vector<digest>> referenced_blobs(backend& from,
                                                     const reapi::ActionResult& result,
                                                     digest_function function,
                                                     std::int64_t max_tree_bytes) {
  digest_set named(function);
  for (const auto& file : result.output_files())
    named.add(file.digest());
  if (result.has_stdout_digest())
    named.add(result.stdout_digest());
  if (result.has_stderr_digest())
    named.add(result.stderr_digest());
  tree_reader trees(from, function, max_tree_bytes);
  for (const auto& output : result.output_directories())
    if (auto status = trees.add(output, named); !status.ok())
      return status;
  if (!named.status().ok())
    return absl::InvalidArgumentError("the ActionResult names a malformed digest: "
                                      + std::string(named.status().message()));
  return named.take();
}

} // namespace expbuild
