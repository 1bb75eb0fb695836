#include "services/action_difference.hpp"

#include "storage/tree_difference.hpp"

#include <map>

namespace expbuild {

namespace {

using properties = std::multimap<std::string, std::string>;

class differences {
public:
  differences(std::size_t limit, admin::v1::Explanation& to) : limit_(limit), to_(to) {}

  std::size_t left() const {
    const auto told = static_cast<std::size_t>(to_.differences_size());
    return told < limit_ ? limit_ - told : 0;
  }

  void add(const std::string& what, const std::string& name, const std::string& before,
           const std::string& after) {
    if (before == after || left() == 0)
      return;
    auto& x = *to_.add_differences();
    x.set_what(what);
    x.set_name(name);
    x.set_before(before);
    x.set_after(after);
  }

  void compare(const std::string& what, const properties& before, const properties& after) {
    for (const auto& [name, value] : before)
      add(what, name, value, value_of(after, name, value));
    for (const auto& [name, value] : after)
      if (!before.contains(name))
        add(what, name, {}, value);
  }

private:
  /// The same value if it is there, else the first of that name.
  static std::string value_of(const properties& in, const std::string& name,
                              const std::string& value) {
    const auto [first, last] = in.equal_range(name);
    for (auto i = first; i != last; ++i)
      if (i->second == value)
        return value;
    return first == last ? std::string() : first->second;
  }

  const std::size_t limit_;
  admin::v1::Explanation& to_;
};

void compare_arguments(const reapi::Command& before, const reapi::Command& after, differences& to) {
  const auto at = [](const reapi::Command& x, int i) {
    return i < x.arguments_size() ? x.arguments(i) : std::string();
  };
  for (int i = 0; i < std::max(before.arguments_size(), after.arguments_size()); ++i)
    to.add("argument", std::to_string(i), at(before, i), at(after, i));
}

properties environment_of(const reapi::Command& x) {
  properties all;
  for (const auto& variable : x.environment_variables())
    all.emplace(variable.name(), variable.value());
  return all;
}

properties outputs_of(const reapi::Command& x) {
  properties all;
  for (const auto* paths : {&x.output_paths(), &x.output_files(), &x.output_directories()})
    for (const auto& path : *paths)
      all.emplace(path, "announced");
  return all;
}

} // namespace

void compare_actions(backend& store, const loaded_action& before, const loaded_action& after,
                     std::size_t limit, admin::v1::Explanation& to) {
  differences found(limit, to);
  compare_arguments(before.command, after.command, found);
  found.compare("environment", environment_of(before.command), environment_of(after.command));
  found.compare("platform", before.platform, after.platform);
  found.compare("output", outputs_of(before.command), outputs_of(after.command));
  found.add("working directory", "", before.command.working_directory(),
            after.command.working_directory());
  found.add("timeout", "", std::to_string(before.timeout.count() / 1'000'000'000) + " s",
            std::to_string(after.timeout.count() / 1'000'000'000) + " s");
  if (before.input_root == after.input_root || found.left() == 0)
    return;
  const auto inputs = compare_trees(store, before.input_root, after.input_root, found.left());
  if (!inputs.ok())
    found.add("input", "(some)", "can not be told: " + std::string(inputs.status().message()), "");
  else
    for (const auto& x : *inputs)
      found.add("input", x.path, x.before, x.after);
}

} // namespace expbuild
