#define CAF_SUITE actors.platform
#include "actors/platform.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

const platform_properties linux_x86{{"OSFamily", "linux"}, {"Arch", "x86_64"}};

} // namespace

CAF_TEST(operating system and architecture compare without case and with aliases) {
  CAF_CHECK(!first_mismatch({{"OSFamily", "Linux"}, {"Arch", "amd64"}}, linux_x86));
  CAF_CHECK_EQUAL(first_mismatch({{"Arch", "arm64"}}, linux_x86).value_or(""), "Arch=arm64");
  CAF_CHECK_EQUAL(first_mismatch({{"color", "red"}}, linux_x86).value_or(""), "color=red");
}

CAF_TEST(every value of a repeated property must be offered) {
  const platform_properties offered{{"ISA", "sse4"}, {"ISA", "avx2"}};
  CAF_CHECK(!first_mismatch({{"ISA", "avx2"}, {"ISA", "sse4"}}, offered));
  CAF_CHECK(first_mismatch({{"ISA", "avx2"}, {"ISA", "avx512"}}, offered).has_value());
}

CAF_TEST(properties that describe needs match every worker) {
  CAF_CHECK(!first_mismatch({{"EstimatedCPU", "2"}, {"label:x", "y"}, {"container-image", "none"}},
                            linux_x86));
  CAF_CHECK(first_mismatch({{"container-image", "docker://debian"}}, linux_x86).has_value());
}

CAF_TEST(an action gets the image that it names where that is offered) {
  const auto debian = docker_platform("debian:12", {"registry/team/*", "alpine"});
  const auto runs = [&debian](const std::string& image) {
    return !first_mismatch({{"container", "docker"}, {"container-image", image}}, debian);
  };
  CAF_CHECK(!first_mismatch({{"container", "docker"}, {"OSFamily", "Linux"}}, debian));
  CAF_CHECK(runs("debian:12"));
  CAF_CHECK(runs("docker://debian:12"));
  CAF_CHECK(runs("docker://registry/team/tool@sha256:abc"));
  CAF_CHECK(runs("alpine"));
  CAF_CHECK(!runs("alpine:3"));
  CAF_CHECK(!runs("debian:11"));
  CAF_CHECK(!runs("registry/other/tool"));
  CAF_CHECK(first_mismatch({{"container", "docker"}}, host_platform()).has_value());
  CAF_CHECK_EQUAL(container_image_of({{"container-image", "docker://debian:12"}}), "debian:12");
  CAF_CHECK_EQUAL(container_image_of({{"container-image", "none"}}), "");
  CAF_CHECK_EQUAL(container_image_of({}), "");
}

CAF_TEST(an empty platform of the action falls back to the one of the command) {
  reapi::Action action;
  reapi::Command command;
  auto& property = *command.mutable_platform()->add_properties();
  property.set_name("Pool");
  property.set_value("a");
  action.mutable_platform();
  CAF_CHECK_EQUAL(platform_of(action, command).count("Pool"), 1u);
  action.mutable_platform()->add_properties()->set_name("OSFamily");
  CAF_CHECK_EQUAL(platform_of(action, command).count("Pool"), 0u);
}
