#include "storage/tree_difference.hpp"

#include "storage/directory_reader.hpp"

#include <map>
#include <utility>

namespace expbuild {

namespace {

using directory_ptr = std::shared_ptr<const reapi::Directory>;

constexpr std::size_t max_depth = 1000;
constexpr std::size_t max_directories = 20'000;
constexpr std::size_t max_path_bytes = 64 << 20; ///< of all entries that differ

/// An entry of a Directory: what it is in words, and what lies below it.
struct node {
  std::string words;
  const reapi::Digest* below = nullptr; ///< of a directory
};

std::string in_words(const reapi::FileNode& x) {
  return std::string(x.is_executable() ? "program " : "file ") + x.digest().hash() + "/"
         + std::to_string(x.digest().size_bytes());
}

std::map<std::string, node> entries_of(const reapi::Directory& dir) {
  std::map<std::string, node> all;
  for (const auto& x : dir.files())
    all[x.name()] = {in_words(x)};
  for (const auto& x : dir.symlinks())
    all[x.name()] = {"link to " + x.target()};
  for (const auto& x : dir.directories())
    all[x.name()] = {"directory " + x.digest().hash(), &x.digest()};
  return all;
}

/// Depth first, with a stack of its own: the depth is the client's choice.
class comparison {
public:
  comparison(backend& from, digest_function function, std::size_t limit)
      : reader_(from, absolute_symlinks::allowed, limits_), function_(function), limit_(limit) {}

  absl::StatusOr<std::vector<tree_difference>> run(const digest& before, const digest& after) {
    pending_.push_back({"", before, after, 0});
    while (!pending_.empty() && found_.size() < limit_) {
      const auto next = std::move(pending_.back());
      pending_.pop_back();
      if (next.before == next.after)
        continue;
      if (auto status = enter(next); !status.ok())
        return status;
    }
    return std::move(found_);
  }

private:
  struct pair {
    std::string path; // with a trailing slash, or empty
    digest before;
    digest after;
    std::size_t depth;
  };

  absl::Status enter(const pair& at) {
    if (at.depth > max_depth || ++entered_ > max_directories)
      return too_large();
    const auto before = reader_.read(at.before);
    const auto after = reader_.read(at.after);
    if (!before.ok() || !after.ok())
      return before.ok() ? after.status() : before.status();
    return compare(at, entries_of(**before), entries_of(**after));
  }

  static absl::Status too_large() {
    return absl::ResourceExhaustedError("the input roots are too large to be compared");
  }

  absl::Status compare(const pair& at, std::map<std::string, node> before,
                       std::map<std::string, node> after) {
    std::vector<pair> below;
    for (const auto& [name, x] : after)
      before.try_emplace(name);
    for (const auto& [name, was] : before) {
      const auto found = after.find(name);
      const auto is = found == after.end() ? node{} : found->second;
      if (was.words == is.words)
        continue;
      path_bytes_ += at.path.size() + name.size();
      if (at.path.size() + name.size() > longest_path || path_bytes_ > max_path_bytes)
        return too_large();
      if (was.below != nullptr && is.below != nullptr)
        below.push_back({at.path + name + "/", *digest::from_proto(*was.below, function_),
                         *digest::from_proto(*is.below, function_), at.depth + 1});
      else if (found_.size() < limit_)
        found_.push_back({at.path + name, was.words, is.words});
    }
    pending_.insert(pending_.end(), std::make_move_iterator(below.rbegin()),
                    std::make_move_iterator(below.rend()));
    return absl::OkStatus();
  }

  const tree_limits limits_;
  directory_reader reader_;
  const digest_function function_;
  const std::size_t limit_;
  std::size_t entered_ = 0;
  std::size_t path_bytes_ = 0;
  std::vector<pair> pending_;
  std::vector<tree_difference> found_;
};

} // namespace

absl::StatusOr<std::vector<tree_difference>> compare_trees(backend& from, const digest& before,
                                                           const digest& after, std::size_t limit) {
  if (before.function() != after.function())
    return absl::FailedPreconditionError("one is named by " + to_string(before.function())
                                         + ", the other by " + to_string(after.function())
                                         + ": no entry of theirs has the same digest");
  return comparison(from, after.function(), limit).run(before, after);
}

} // namespace expbuild
