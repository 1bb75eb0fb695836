#include "actors/worker/docker/image_store.hpp"

#include "actors/log.hpp"
#include "actors/worker/docker/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace expbuild {

namespace {

using nlohmann::json;
using clock = std::chrono::steady_clock;

spdlog::logger& logger() {
  static auto& instance = log_of("docker");
  return instance;
}

absl::StatusOr<image_facts> parse_image(const std::string& body) {
  const auto parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("Id") || !parsed["Id"].is_string())
    return absl::InternalError("the container engine says of an image what can not be understood");
  image_facts x;
  x.id = parsed["Id"].get<std::string>();
  const auto environment = "/Config/Env"_json_pointer;
  if (!parsed.value("Config", json()).is_object() || !parsed.contains(environment))
    return x;
  for (const auto& each : parsed.at(environment)) {
    const auto text = each.is_string() ? each.get<std::string>() : "";
    if (const auto equals = text.find('='); equals != std::string::npos)
      x.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return x;
}

/// A line of the answer to a pull that says that it failed; empty: it does not.
std::string error_in(const std::string& line) {
  const auto parsed = json::parse(line, nullptr, false);
  const bool tells = parsed.is_object() && parsed.contains("error") && parsed["error"].is_string();
  return tells ? parsed["error"].get<std::string>() : "";
}

absl::Status not_asked(const absl::Status& why) {
  return absl::AbortedError(std::string(why.message()));
}

class engine_images : public image_store, public std::enable_shared_from_this<engine_images> {
public:
  engine_images(engine_client& client, image_store_options options)
      : client_(client), options_(options) {}

  void ensure(const std::string& name, bool always_pull, on_image done) override {
    if (!is_image_name(name))
      return done(absl::FailedPreconditionError("'" + name + "' is no name of an image"));
    const auto tagged = with_tag(name);
    const auto waiting = asked_.find({tagged, always_pull});
    if (waiting != asked_.end()) {
      waiting->second.push_back(std::move(done));
      return;
    }
    asked_[{tagged, always_pull}].push_back(std::move(done));
    if (always_pull && !is_fresh(tagged))
      pull(tagged, always_pull);
    else
      inspect(tagged, always_pull, true);
  }

private:
  using request = std::pair<std::string, bool>; ///< name, always_pull

  bool is_fresh(const std::string& name) const {
    const auto found = pulled_.find(name);
    return found != pulled_.end() && clock::now() - found->second < options_.fresh;
  }

  void inspect(const std::string& name, bool always_pull, bool may_pull) {
    client_.call({.target = "/images/" + escape_url(name) + "/json"},
                 [me = shared_from_this(), name, always_pull,
                  may_pull](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return me->finish({name, always_pull}, not_asked(answer.status()));
                   if (answer->status == 404 && may_pull)
                     return me->pull(name, always_pull);
                   if (!answer->ok())
                     return me->finish({name, always_pull},
                                       absl::AbortedError("the container engine does not tell "
                                                          "about image '"
                                                          + name + "': " + answer->message()));
                   me->finish({name, always_pull}, parse_image(answer->body));
                 });
  }

  void pull(const std::string& name, bool always_pull) {
    logger().info("pulling image {}", name);
    auto said = std::make_shared<std::string>();
    pulls_[{name, always_pull}] = client_.follow(
        {.method = "POST",
         .target = "/images/create?fromImage=" + escape_url(name),
         .limit = options_.pull_limit},
        [said](const std::string& line) {
          if (auto error = error_in(line); !error.empty())
            *said = std::move(error);
        },
        [me = shared_from_this(), name, always_pull, said](const absl::Status& status) {
          me->pulls_.erase({name, always_pull});
          if (status.ok() && said->empty())
            return me->pulled(name, always_pull);
          me->not_pulled(name, always_pull, said->empty() ? std::string(status.message()) : *said);
        });
  }

  void pulled(const std::string& name, bool always_pull) {
    if (pulled_.size() >= options_.max_remembered)
      pulled_.clear(); // asks the registry once more
    pulled_[name] = clock::now();
    inspect(name, always_pull, false);
  }

  /// An image that is there, but could not be pulled again, is never silently the old one.
  void not_pulled(const std::string& name, bool always_pull, const std::string& why) {
    client_.call(
        {.target = "/images/" + escape_url(name) + "/json"},
        [me = shared_from_this(), name, always_pull,
         why](const absl::StatusOr<engine_answer>& answer) {
          if (!answer.ok())
            return me->finish({name, always_pull}, not_asked(answer.status()));
          const auto text = "image '" + name + "' can not be had: pulling it failed: " + why;
          me->finish({name, always_pull}, answer->ok() ? absl::UnavailableError(text)
                                                       : absl::FailedPreconditionError(text));
        });
  }

  void finish(const request& which, const absl::StatusOr<image_facts>& outcome) {
    auto all = std::move(asked_[which]);
    asked_.erase(which);
    for (const auto& done : all)
      done(outcome);
  }

  engine_client& client_;
  const image_store_options options_;
  std::map<request, std::vector<on_image>> asked_;
  std::map<request, std::shared_ptr<engine_client::subscription>> pulls_;
  std::map<std::string, clock::time_point> pulled_;
};

} // namespace

std::shared_ptr<image_store> make_image_store(engine_client& client, image_store_options options) {
  return std::make_shared<engine_images>(client, options);
}

bool is_image_name(const std::string& text) {
  constexpr std::size_t longest = 512;
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (text.empty() || text.size() > longest || !is_plain(text.front()) || !is_plain(text.back()))
    return false;
  return text.find("..") == std::string::npos && text.find("//") == std::string::npos
         && std::all_of(text.begin(), text.end(), [&](char c) {
              return is_plain(c) || std::string("._-:/@").find(c) != std::string::npos;
            });
}

std::string with_tag(const std::string& image) {
  const auto slash = image.rfind('/');
  const auto from = slash == std::string::npos ? 0 : slash;
  const bool has_one =
      image.find('@') != std::string::npos || image.find(':', from) != std::string::npos;
  return has_one ? image : image + ":latest";
}

} // namespace expbuild
