#define CAF_SUITE worker.docker_session
#include "actors/worker/docker/docker_session.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

/// Answers when the test says so.
struct held_images : image_store {
  void ensure(const std::string& name, bool, on_image done) override {
    asked.emplace_back(name, std::move(done));
  }
  void answer(const std::string& name, const absl::StatusOr<image_facts>& with) {
    for (auto& [asked_name, done] : std::exchange(asked, {}))
      if (asked_name == name)
        done(with);
      else
        asked.emplace_back(asked_name, std::move(done));
  }
  std::vector<std::pair<std::string, on_image>> asked;
};

/// There are none.
struct no_containers : containers {
  void run(const container_spec&, on_running) override {}
  void wait_ended(const std::string&, on_state) override {}
  void remove(const std::string&, on_done done) override { done(absl::OkStatus()); }
  void discard(const std::string&, std::function<void()>) override {}
  void remove_labelled(const std::string&, const std::string&, const std::string&,
                       const std::string&, on_done done) override {
    done(absl::OkStatus());
  }
};

/// Of a kind that is ready for an image at once, and runs commands that last until they end.
struct plain_session : docker_session {
  using docker_session::docker_session;
  using docker_session::finish;

  void check_health(executor::on_ready answer) override { answer(absl::OkStatus()); }
  void prepare() override {
    prepared_for = image().id;
    prepared();
  }
  bool is_prepared() const override { return !prepared_for.empty(); }
  bool can_begin() const override { return true; }
  void begin(const command_spec& command) override {
    begun.push_back(command.arguments.front() + " in " + prepared_for);
  }
  void stop_command() override { ++stops; }
  void let_go() override { prepared_for.clear(); }

  std::string prepared_for;
  std::vector<std::string> begun;
  int stops = 0;
};

struct fixture {
  std::shared_ptr<held_images> images = std::make_shared<held_images>();
  std::shared_ptr<plain_session> sut;
  std::vector<absl::StatusOr<command_ended>> ended;
  std::vector<absl::Status> lost;

  fixture() {
    docker_executor_options options;
    options.image = "own";
    sut = std::make_shared<plain_session>(docker_engine{images, std::make_shared<no_containers>()},
                                          options);
    sut->open([](const absl::Status& x) { CAF_REQUIRE(x.ok()); },
              [this](const absl::Status& x) { lost.push_back(x); });
    images->answer("own", image_facts{.id = "own", .environment = {}});
  }

  void start(const std::string& name, const std::string& image = "") {
    command_spec command;
    command.arguments = {name};
    command.image = image;
    sut->start(command, [this](absl::StatusOr<command_ended> x) { ended.push_back(std::move(x)); });
  }

  bool was_stopped(std::size_t which) const {
    return ended.size() == which + 1 && ended[which].ok()
           && ended[which]->why == command_ended::reason::stopped;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(docker_session_tests, fixture)

CAF_TEST(a command that waits for an image is stopped at once) {
  start("first", "large");
  sut->stop();
  CAF_CHECK(was_stopped(0));
  CAF_CHECK(sut->begun.empty());
  start("second", "large");
  sut->stop();
  CAF_CHECK(was_stopped(1));
}

CAF_TEST(an image that comes when its command was stopped does not disturb the next one) {
  start("first", "large");
  sut->stop();
  start("second");
  CAF_CHECK_EQUAL(sut->begun, std::vector<std::string>{"second in own"});
  images->answer("large", image_facts{.id = "large", .environment = {}});
  CAF_CHECK_EQUAL(sut->prepared_for, "own");
  CAF_CHECK_EQUAL(sut->begun.size(), 1u);
  sut->stop();
  CAF_CHECK_EQUAL(sut->stops, 1);
  sut->finish(command_ended{});
  CAF_CHECK_EQUAL(ended.size(), 2u);
}

CAF_TEST(the command that waits for it after a stopped one gets the image) {
  start("first", "large");
  sut->stop();
  start("second", "large");
  images->answer("large", image_facts{.id = "large", .environment = {}});
  CAF_CHECK_EQUAL(sut->begun, std::vector<std::string>{"second in large"});
  CAF_CHECK_EQUAL(ended.size(), 1u);
}

CAF_TEST(an engine that fails after a stop does not end the executor) {
  start("first", "large");
  sut->stop();
  images->answer("large", absl::AbortedError("the engine is gone"));
  CAF_CHECK(lost.empty());
  start("second", "large");
  images->answer("large", absl::AbortedError("the engine is gone"));
  CAF_CHECK_EQUAL(lost.size(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
