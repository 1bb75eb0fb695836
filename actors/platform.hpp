#pragma once
#include "actors/job.hpp"

#include <optional>
#include <string>
#include <vector>

namespace expbuild {

/// Properties by the protocol's rule: the Action's if it names any (Bazel sends an empty message),
/// else the Command's (older clients, Buck2).
platform_properties platform_of(const reapi::Action& action, const reapi::Command& command);

/// The first property that a worker offering `offered` does not satisfy, as "name=value"; nullopt
/// when the worker can run it. OSFamily, Arch and Pool compare without case, Arch knows aliases
/// (amd64 = x86_64, arm64 = aarch64), of a repeated name every value must be offered (ISA). A
/// container-image may be said with docker:// before it; what is offered may end with a '*'.
/// Properties that describe needs rather than workers (EstimatedCPU, label:*, ...) are skipped.
std::optional<std::string> first_mismatch(const platform_properties& wanted,
                                          const platform_properties& offered);

/// One text for equal requirements, whatever their order: groups waiting jobs.
std::string platform_key(const platform_properties& wanted);

/// "OSFamily=linux, Arch=x86_64", for error texts.
std::string to_string(const platform_properties& x);

/// What a host worker on this machine declares: OSFamily and Arch.
platform_properties host_platform();

/// What a Docker worker on this machine declares: beside these container=docker and, as
/// container-image, its own image and each pattern of others that it may be asked for.
platform_properties docker_platform(const std::string& image,
                                    const std::vector<std::string>& allowed_images);

/// The image that an action asks for, by container-image; empty: none in particular.
std::string container_image_of(const platform_properties& wanted);

} // namespace expbuild
