#include "services/main/rectl/conformance/outputs.hpp"

namespace expbuild::conformance {

namespace {

template <class List>
auto& entry_of(const List& list, const std::string& path, const std::string& kind) {
  for (const auto& each : list)
    if (each.path() == path)
      return each;
  throw broken("expected output " + kind + " '" + path + "'; came " + std::to_string(list.size())
               + " others");
}

} // namespace

const reapi::OutputFile& file_of(const reapi::ActionResult& result, const std::string& path) {
  return entry_of(result.output_files(), path, "file");
}

const reapi::OutputDirectory& directory_of(const reapi::ActionResult& result,
                                           const std::string& path) {
  return entry_of(result.output_directories(), path, "directory");
}

reapi::Tree tree_of(subject& s, const reapi::ActionResult& result, const std::string& path) {
  const auto& directory = directory_of(result, path);
  expect(directory.has_tree_digest(), "a tree_digest for '" + path + "'", "none");
  reapi::Tree tree;
  expect(tree.ParseFromString(s.load(directory.tree_digest())), "a Tree message", "other bytes");
  return tree;
}

void expect_only(const std::string& list_name, const symlink_list& list, const std::string& path,
                 const std::string& target) {
  expect_equal("entries of " + list_name, list.size(), target.empty() ? 0 : 1);
  if (target.empty())
    return;
  expect_equal("path in " + list_name, list[0].path(), path);
  expect_equal("target in " + list_name, list[0].target(), target);
}

} // namespace expbuild::conformance
