#include "services/main/rectl/conformance/action_run.hpp"

namespace expbuild::conformance {

namespace {

using properties = std::vector<std::pair<std::string, std::string>>;

void set(reapi::Platform& to, const properties& all) {
  for (const auto& [name, value] : all) {
    auto& property = *to.add_properties();
    property.set_name(name);
    property.set_value(value);
  }
}

/// Runs with these properties in the Action and those in the Command.
grpc::Status try_platform(subject& s, const properties& of_action,
                          const properties& of_command = {}) {
  auto command = shell("true");
  if (!of_command.empty())
    set(*command.mutable_platform(), of_command);
  const auto action = store_action(s, command, {}, [&](reapi::Action& x) {
    set(*x.mutable_platform(), of_action); // an empty message, as Bazel sends it, when none
  });
  return execute(s, action).trouble();
}

const properties impossible{{"conformance-no-such-property", "no-such-value"}};

void expect_named(const grpc::Status& trouble) {
  expect_code("a platform that no worker has", trouble, grpc::StatusCode::FAILED_PRECONDITION);
  expect(trouble.error_message().find(impossible[0].first) != std::string::npos,
         "the property's name in words", show(trouble.error_message()));
}

void impossible_platform_is_refused_at_once(subject& s) {
  expect_named(try_platform(s, impossible));
}

void command_counts_when_the_action_names_nothing(subject& s) {
  expect_named(try_platform(s, {}, impossible));
}

void action_counts_before_the_command(subject& s) {
  if (!try_platform(s, {{"OSFamily", "linux"}}).ok())
    throw not_offered("no worker has OSFamily linux");
  expect_ok("an Action with OSFamily linux, its Command with another property",
            try_platform(s, {{"OSFamily", "linux"}}, impossible));
}

void os_family_compares_without_case(subject& s) {
  if (!try_platform(s, {{"OSFamily", "linux"}}).ok())
    throw not_offered("no worker has OSFamily linux");
  expect_ok("OSFamily Linux", try_platform(s, {{"OSFamily", "Linux"}}));
}

/// One of these pairs the worker must have.
void arch_has_aliases(subject& s) {
  for (const auto& [name, alias] : properties{{"x86_64", "amd64"}, {"aarch64", "arm64"}}) {
    const bool by_name = try_platform(s, {{"Arch", name}}).ok();
    const bool by_alias = try_platform(s, {{"Arch", alias}}).ok();
    expect(by_name == by_alias, "Arch " + name + " and " + alias + " to be the same",
           show(by_name) + " and " + show(by_alias));
  }
}

void labels_are_ignored(subject& s) {
  expect_ok("a property label:anything", try_platform(s, {{"label:anything", "x"}}));
}

void image_none_is_no_demand(subject& s) {
  expect_ok("container-image none", try_platform(s, {{"container-image", "none"}}));
}

} // namespace

check_list platform_checks() {
  return {
      {"platform.impossible_platform_is_refused_at_once",
       "What no worker could ever match is FAILED_PRECONDITION, naming the property.",
       impossible_platform_is_refused_at_once},
      {"platform.command_counts_when_the_action_names_nothing",
       "Older clients and Buck2 set the Command's platform; Bazel's Action has an empty one.",
       command_counts_when_the_action_names_nothing},
      {"platform.action_counts_before_the_command",
       "The Action's platform counts if it names any property.", action_counts_before_the_command},
      {"platform.os_family_compares_without_case", "OSFamily compares without case.",
       os_family_compares_without_case},
      {"platform.arch_has_aliases", "x86_64 is amd64, aarch64 is arm64.", arch_has_aliases},
      {"platform.labels_are_ignored", "Google's label:* is ignored.", labels_are_ignored},
      {"platform.image_none_is_no_demand", "container-image none asks for no container.",
       image_none_is_no_demand},
  };
}

} // namespace expbuild::conformance
