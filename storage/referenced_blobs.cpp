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

absl::Status add_tree(backend& from, const reapi::OutputDirectory& output, digest_function function,
                      std::int64_t max_bytes, digest_set& into) {
  const auto id = digest::from_proto(output.tree_digest(), function);
  if (!id.ok())
    return id.status();
  into.add(output.tree_digest());
  const auto bytes = read_blob(from, *id, max_bytes);
  if (absl::IsResourceExhausted(bytes.status()))
    return absl::InvalidArgumentError(std::string(bytes.status().message()));
  if (!bytes.ok())
    return bytes.status();
  reapi::Tree tree;
  if (!tree.ParseFromString(*bytes))
    return absl::InvalidArgumentError("blob " + id->to_string() + " is not a Tree message");
  into.add_files(tree.root());
  for (const auto& child : tree.children())
    into.add_files(child);
  if (!output.has_root_directory_digest())
    return absl::OkStatus();
  into.add(output.root_directory_digest());
  for (const auto& child : tree.children())
    into.add(digest::of(child.SerializeAsString(), function).to_proto());
  return absl::OkStatus();
}

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
  for (const auto& output : result.output_directories())
    if (auto status = add_tree(from, output, function, max_tree_bytes, named); !status.ok())
      return status;
  if (!named.status().ok())
    return absl::InvalidArgumentError("the ActionResult names a malformed digest: "
                                      + std::string(named.status().message()));
  return named.take();
}

} // namespace expbuild
