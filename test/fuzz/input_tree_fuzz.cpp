#include "services/tree_pager.hpp"
#include "storage/input_tree.hpp"
#include "storage/referenced_blobs.hpp"
#include "storage/tree_difference.hpp"
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

constexpr std::size_t most_differences = 30;

void check_difference(backend& store, const digest& before, const digest& after) {
  const auto differences = compare_trees(store, before, after, most_differences);
  if (!differences.ok())
    return;
  require(differences->size() <= most_differences, "no more is told than was asked for");
  require(before != after || differences->empty(), "a tree does not differ from itself");
  for (const auto& x : *differences)
    require(is_beneath_root(x.path) && x.before != x.after, "a difference is one, and in the tree");
}

/// GetTree's pages, of one directory each.
void check_pages(const std::shared_ptr<backend>& store, const digest& root,
                 const tree_limits& limits) {
  tree_pager pager(store, root, 0, limits);
  std::size_t directories = 0;
  while (!pager.at_end()) {
    reapi::GetTreeResponse page;
    if (!pager.next_page(1, 1 << 20, page).ok())
      return;
    directories += static_cast<std::size_t>(page.directories_size());
    require(page.directories_size() == 1 || pager.at_end(), "only the last page may be empty");
  }
  require(directories <= 21, "no directory is told twice");
}

/// An action's result that names the Tree as its output.
void check_result(backend& store, const reapi::Tree& tree) {
  reapi::ActionResult result;
  auto& output = *result.add_output_directories();
  const auto id = *write_blob(store, tree.SerializeAsString(), digest_function::sha256);
  *output.mutable_tree_digest() = id.to_proto();
  *output.mutable_root_directory_digest() = id.to_proto();
  const auto named = referenced_blobs(store, result, digest_function::sha256, 1 << 20);
  require(!named.ok() || (!named->empty() && named->front() == id), "a result promises its Tree");
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
  const auto root = put(tree.root());
  std::vector<digest> missing;
  const auto loaded = load_input_tree(
      *store, root, absolute_symlinks::disallowed, limits, [](const digest&) { return true; },
      missing);
  if (loaded.ok())
    check(*loaded);
  check_pages(store, root, limits);
  check_result(*store, tree);
  known.push_back(*write_blob(*store, tree.root().SerializeAsString(), digest_function::sha1));
  for (const auto& other : known) {
    check_difference(*store, root, other);
    check_difference(*store, other, root);
  }
  check_difference(*store, root, root);
  return 0;
}
