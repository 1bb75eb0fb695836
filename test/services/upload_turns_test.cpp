#define CAF_SUITE services.upload_turns
#include "services/upload_turns.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using wish = upload_turns::wish;

namespace {

using next = upload_turns::next;

upload_turns::hearing hear(upload_turns& sut, std::size_t size = 1) {
  const grpc::Slice slice(std::string(size, 'x'));
  grpc::ByteBuffer message(&slice, 1);
  return sut.heard(&message);
}

void ask(upload_turns& sut) {
  const auto number = sut.ask();
  CAF_REQUIRE(number.has_value());
  CAF_CHECK(!sut.wait(*number));
}

/// True when whoever hears of a message has the step.
bool hears(upload_turns& sut) {
  return hear(sut).step;
}

/// Our step is done, and we wait for the client.
void wait_for_message(upload_turns& sut) {
  ask(sut);
  CAF_CHECK(sut.step_done() == next::nothing);
}

} // namespace

CAF_TEST(who waits for the client can be ended at once and only once) {
  upload_turns sut;
  wait_for_message(sut);
  CAF_CHECK(sut.interrupt(wish::give_way));
  CAF_CHECK(!sut.interrupt(wish::give_way));
  CAF_CHECK(!hears(sut)); // the message that came meanwhile counts no more
}

CAF_TEST(who works is ended when the step is done) {
  upload_turns sut;
  CAF_CHECK(!sut.interrupt(wish::give_way));
  ask(sut);
  CAF_CHECK(sut.step_done() == next::end);
  CAF_CHECK(sut.wanted() == wish::give_way);
  upload_turns other;
  wait_for_message(other);
  CAF_CHECK(hears(other)); // and so begins a step
  CAF_CHECK(!other.interrupt(wish::stored));
  CAF_CHECK(other.step_done() == next::end);
  CAF_CHECK(other.wanted() == wish::stored);
}

CAF_TEST(a message that comes during a step is taken after it) {
  upload_turns sut;
  ask(sut);
  CAF_CHECK(!hears(sut)); // not by whoever brought it
  CAF_CHECK(sut.step_done() == next::message);
  CAF_CHECK_EQUAL(sut.take().size(), 1u);
  CAF_CHECK(!sut.interrupt(wish::give_way)); // the next step
}

CAF_TEST(a message that comes while it is asked for is not waited for) {
  upload_turns sut;
  const auto asked = sut.ask();
  CAF_CHECK(!hears(sut)); // on another thread, before the asking one went on
  CAF_CHECK(!sut.wait(*asked));
  CAF_CHECK(sut.step_done() == next::message);
}

CAF_TEST(messages are asked for during a step until enough has come) {
  upload_turns sut;
  ask(sut);
  CAF_CHECK(!sut.ask()); // one at a time
  const std::size_t half = upload_turns::read_ahead / 2;
  const auto first = hear(sut, half);
  CAF_CHECK(!first.step);
  CAF_REQUIRE(first.ask.has_value());
  CAF_CHECK(!sut.ask());
  CAF_CHECK(!sut.wait(*first.ask));
  CAF_CHECK(!hear(sut, half).ask);
  CAF_CHECK(sut.step_done() == next::message);
  CAF_CHECK_EQUAL(sut.take().size(), 2u);
  CAF_CHECK(sut.ask().has_value()); // by the next step
}

CAF_TEST(the end of the stream comes after all messages and nothing is asked for then) {
  upload_turns sut;
  ask(sut);
  CAF_CHECK(!sut.wait(*hear(sut).ask));
  CAF_CHECK(!sut.heard(nullptr).step);
  CAF_CHECK(sut.step_done() == next::message);
  CAF_CHECK_EQUAL(sut.take().size(), 1u);
  CAF_CHECK(!sut.ask());
  CAF_CHECK(sut.step_done() == next::message);
  CAF_CHECK(sut.take().empty());
}

CAF_TEST(what is being published can not be ended) {
  upload_turns sut;
  sut.commit();
  CAF_CHECK(!sut.interrupt(wish::stored));
  CAF_CHECK(sut.step_done() == next::nothing);
}

CAF_TEST(a wish that comes while nobody works and the next message is being asked for is granted) {
  upload_turns sut;
  ask(sut);
  const auto first = hear(sut); // its thread goes on late
  CAF_REQUIRE(first.ask.has_value());
  CAF_CHECK(sut.step_done() == next::message);
  sut.take();
  CAF_CHECK(sut.step_done() == next::nothing);
  CAF_CHECK(!sut.interrupt(wish::give_way));
  CAF_CHECK(sut.wait(*first.ask)); // the step is its own now
  CAF_CHECK(sut.wanted() == wish::give_way);
  CAF_CHECK(!sut.interrupt(wish::give_way));
  CAF_CHECK(!hears(sut));
}

CAF_TEST(a blob that is stored elsewhere is not given way for) {
  upload_turns sut;
  CAF_CHECK(!sut.interrupt(wish::stored));
  CAF_CHECK(!sut.interrupt(wish::give_way));
  CAF_CHECK(sut.step_done() == next::end);
  CAF_CHECK(sut.wanted() == wish::stored);
}

CAF_TEST(who has ended hears nothing more) {
  upload_turns sut;
  wait_for_message(sut);
  sut.end();
  CAF_CHECK(!hears(sut));
  CAF_CHECK(!sut.interrupt(wish::stored));
  CAF_CHECK(!sut.is_silent());
}

CAF_TEST(only who waits for the same message twice is silent) {
  upload_turns sut;
  CAF_CHECK(!sut.is_silent()); // a step of ours
  CAF_CHECK(!sut.is_silent());
  wait_for_message(sut);
  CAF_CHECK(!sut.is_silent()); // since when?
  CAF_CHECK(hears(sut));
  sut.take();
  wait_for_message(sut);
  CAF_CHECK(!sut.is_silent()); // another message than before
  CAF_CHECK(sut.is_silent());
  CAF_CHECK(!hears(sut)); // it is being ended
  CAF_CHECK(!sut.is_silent());
}
