#include "storage/input_tree.hpp"
#include "test/fuzz/fuzz.hpp"

#include <set>

using namespace expbuild;

namespace {

/// No path twice, none outside, every parent a directory that comes before.
void check(const input_tree& tree) {
  std::set<std::string> directories;
  std::set<std::string> all;
  const auto add = [&](const std::string& path) {
    require(is_beneath_root(path), "every path is beneath the root");
    require(all.insert(path).second, "no path comes twice");
    const auto slash = path.rfind('/');
    require(slash == std::string::npos || directories.count(path.substr(0, slash)) == 1,
            "parents come before children and are directories");
  };
  for (const auto& path : tree.directories) {
    add(path);
    directories.insert(path);
  }
  for (const auto& file : tree.files)
    add(file.path);
  for (const auto& link : tree.symlinks) {
    add(link.path);
    require(!link.target.empty() && link.target.front() != '/', "no link is absolute");
  }
}

} // namespace

/// The input is a Tree. Its directories are stored as blobs, and those that it names by position
/// (a digest of size N names child N) are given the digest that they have.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reapi::Tree tree;
  if (!tree.ParseFromArray(data, static_cast<int>(size)) || tree.children_size() > 20)
    return 0;
  const auto store = make_memory_backend();
  const auto put = [&](const reapi::Directory& x) {
    return *write_blob(*store, x.SerializeAsString(), digest_function::sha256);
  };
  std::vector<digest> known;
  const auto link_children = [&](reapi::Directory& x) {
    for (auto& child : *x.mutable_directories())
      if (const auto n = child.digest().size_bytes();
          n >= 0 && n < static_cast<std::int64_t>(known.size()))
        *child.mutable_digest() = known[static_cast<std::size_t>(n)].to_proto();
  };
  for (auto& child : *tree.mutable_children()) {
    link_children(child);
    known.push_back(put(child));
  }
  link_children(*tree.mutable_root());
  const tree_limits limits{.max_directory_bytes = 1 << 20, .max_entries = 2000, .max_depth = 50};
  std::vector<digest> missing;
  const auto loaded = load_input_tree(
      *store, put(tree.root()), absolute_symlinks::disallowed, limits,
      [](const digest&) { return true; }, missing);
  if (loaded.ok())
    check(*loaded);
  return 0;
}
