#include "actors/worker/docker/containers.hpp"

#include "actors/log.hpp"
#include "actors/worker/docker/url.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace expbuild {

namespace {

using nlohmann::json;

spdlog::logger& logger() {
  static auto& instance = log_of("docker");
  return instance;
}

/// What an answer means, when it is none of those that are fine.
absl::Status refusal(const std::string& what, const engine_answer& answer) {
  const auto text = "the container engine does not " + what + ": " + answer.message();
  return answer.status == 400 ? absl::FailedPreconditionError(text) : absl::UnavailableError(text);
}

/// Ids of the listed containers whose label `other` is not `kept`.
absl::StatusOr<std::vector<std::string>>
parse_list(const std::string& body, const std::string& other, const std::string& kept) {
  const auto parsed = json::parse(body, nullptr, false);
  if (!parsed.is_array())
    return absl::InternalError("the container engine's list of containers can not be understood");
  std::vector<std::string> ids;
  for (const auto& each : parsed) {
    if (!each.is_object() || !each.contains("Id") || !each["Id"].is_string())
      continue;
    const auto labels = each.value("Labels", json());
    const auto value = labels.is_object() && !other.empty() ? labels.value(other, "") : "";
    if (other.empty() || value != kept)
      ids.push_back(each["Id"].get<std::string>());
  }
  return ids;
}

class engine_containers : public containers,
                          public std::enable_shared_from_this<engine_containers> {
public:
  explicit engine_containers(engine_client& client) : client_(client) {}

  void run(const container_spec& spec, on_running done) override {
    client_.call({.method = "POST", .target = "/containers/create", .body = create_body(spec)},
                 [me = shared_from_this(),
                  done = std::move(done)](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return done(answer.status());
                   if (!answer->ok())
                     return done(refusal("create a container", *answer));
                   const auto id = parse_id(answer->body);
                   if (!id.ok())
                     return done(id.status());
                   me->start(*id, done);
                 });
  }

  void wait_ended(const std::string& id, on_state done) override {
    client_.call({.method = "POST", .target = "/containers/" + id + "/wait"},
                 [me = shared_from_this(), id,
                  done = std::move(done)](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return done(answer.status());
                   me->inspect(id, done); // which tells whether there is one, too
                 });
  }

  void remove(const std::string& id, on_done done) override {
    client_.call({.method = "DELETE", .target = "/containers/" + id + "?force=true&v=true"},
                 [me = shared_from_this(), id,
                  done = std::move(done)](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return done(answer.status());
                   if (answer->status == 409) // somebody else is removing it
                     return me->wait_removed(id, done);
                   const bool gone = answer->ok() || answer->status == 404;
                   done(gone ? absl::OkStatus() : refusal("remove container " + id, *answer));
                 });
  }

  void discard(const std::string& id, std::function<void()> then) override {
    remove(id, [id, then = std::move(then)](const absl::Status& status) {
      if (!status.ok())
        logger().warn("container {} stays until the next sweep: {}", id,
                      std::string(status.message()));
      if (then)
        then();
    });
  }

  void remove_labelled(const std::string& label, const std::string& value, const std::string& other,
                       const std::string& kept, on_done done) override {
    const json filters{{"label", {label + "=" + value}}};
    client_.call({.target = "/containers/json?all=true&filters=" + escape_url(filters.dump())},
                 [me = shared_from_this(), other, kept,
                  done = std::move(done)](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return done(answer.status());
                   if (!answer->ok())
                     return done(refusal("list containers", *answer));
                   const auto ids = parse_list(answer->body, other, kept);
                   if (!ids.ok())
                     return done(ids.status());
                   me->remove_all(*ids, done);
                 });
  }

private:
  void inspect(const std::string& id, on_state done) {
    client_.call({.target = "/containers/" + id + "/json"},
                 [id, done = std::move(done)](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return done(answer.status());
                   if (!answer->ok())
                     return done(refusal("tell about container " + id, *answer));
                   done(parse_container_state(answer->body));
                 });
  }

  void start(const std::string& id, const on_running& done) {
    client_.call({.method = "POST", .target = "/containers/" + id + "/start"},
                 [me = shared_from_this(), id, done](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return me->give_up(id, answer.status(), done);
                   if (!answer->ok())
                     return me->give_up(id, refusal("start a container", *answer), done);
                   me->find_process(id, done);
                 });
  }

  void find_process(const std::string& id, const on_running& done) {
    inspect(id, [me = shared_from_this(), id, done](const absl::StatusOr<container_state>& state) {
      if (!state.ok())
        return me->give_up(id, state.status(), done);
      if (!state->running)
        return me->give_up(id,
                           absl::UnavailableError("a container ended as soon as it was started, "
                                                  "with code "
                                                  + std::to_string(state->exit_code)),
                           done);
      done(running_container{id, state->pid});
    });
  }

  void wait_removed(const std::string& id, const on_done& done) {
    client_.call({.method = "POST", .target = "/containers/" + id + "/wait?condition=removed"},
                 [id, done](const absl::StatusOr<engine_answer>& answer) {
                   if (!answer.ok())
                     return done(answer.status());
                   const bool gone = answer->ok() || answer->status == 404;
                   done(gone ? absl::OkStatus() : refusal("remove container " + id, *answer));
                 });
  }

  void give_up(const std::string& id, const absl::Status& why, const on_running& done) {
    discard(id, nullptr);
    done(why);
  }

  void remove_all(const std::vector<std::string>& ids, const on_done& done) {
    struct progress {
      std::size_t left;
      absl::Status first;
    };
    if (ids.empty())
      return done(absl::OkStatus());
    auto all = std::make_shared<progress>(progress{ids.size(), absl::OkStatus()});
    for (const auto& id : ids) {
      logger().debug("removing container {}", id);
      remove(id, [all, done](const absl::Status& status) {
        all->first.Update(status);
        if (--all->left == 0)
          done(all->first);
      });
    }
  }

  engine_client& client_;
};

} // namespace

std::shared_ptr<containers> make_containers(engine_client& client) {
  return std::make_shared<engine_containers>(client);
}

} // namespace expbuild
