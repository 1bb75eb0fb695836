#pragma once
#include "actors/worker/docker/engine_client.hpp"

#include <absl/status/statusor.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace expbuild {

/// An image that the engine has.
struct image_facts {
  std::string id; ///< of its content: a name may come to mean another image
  std::vector<std::pair<std::string, std::string>> environment;
};

struct image_store_options {
  std::chrono::milliseconds pull_limit{120'000}; ///< without a word of progress
  /// A pulled image counts as fresh for so long: "pull before each execution" may not mean a
  /// registry's answer before each of a thousand small actions.
  std::chrono::milliseconds fresh{60'000};
  std::size_t max_remembered = 1000; ///< names of fresh images
};

/// The images of one engine. Everything on the execution thread.
class image_store {
public:
  virtual ~image_store() = default;

  using on_image = std::function<void(absl::StatusOr<image_facts>)>;

  /// The image of that name. Pulls it when the engine has none, or, with `always_pull`, when the
  /// last pull is no longer fresh; one pull at a time for one name and `always_pull`, whoever asks.
  /// FAILED_PRECONDITION: that is no name, or there is no such image, with the engine's words;
  /// UNAVAILABLE: an image that it has could not be pulled again; ABORTED: the engine could not be
  /// asked, which says nothing about the image.
  virtual void ensure(const std::string& name, bool always_pull, on_image done) = 0;
};

/// `client` outlives it, and what it has been asked.
std::shared_ptr<image_store> make_image_store(engine_client& client, image_store_options options);

/// Whether this can be the name of an image, and nothing else, in a request to the engine: actions
/// may say what they like.
bool is_image_name(const std::string& text);

/// With the tag that is meant when none is said, which would mean all of them to the engine.
std::string with_tag(const std::string& image);

} // namespace expbuild
