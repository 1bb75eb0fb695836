#define CAF_SUITE services.upload_turns
#include "services/upload_turns.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using wish = upload_turns::wish;

namespace {

using next = upload_turns::next;

/// Our step is done, and we wait for the client.
void wait_for_message(upload_turns& sut) {
  sut.wait(sut.ask());
  CAF_CHECK(sut.step_done() == next::nothing);
}

} // namespace

CAF_TEST(who waits for the client can be ended at once and only once) {
  upload_turns sut;
  wait_for_message(sut);
  CAF_CHECK(sut.interrupt(wish::give_way));
  CAF_CHECK(!sut.interrupt(wish::give_way));
  CAF_CHECK(!sut.heard()); // the message that came meanwhile counts no more
}

CAF_TEST(who works is ended when the step is done) {
  upload_turns sut;
  CAF_CHECK(!sut.interrupt(wish::give_way));
  sut.wait(sut.ask());
  CAF_CHECK(sut.step_done() == next::end);
  CAF_CHECK(sut.wanted() == wish::give_way);
  upload_turns other;
  wait_for_message(other);
  CAF_CHECK(other.heard()); // and so begins a step
  CAF_CHECK(!other.interrupt(wish::stored));
  CAF_CHECK(other.step_done() == next::end);
  CAF_CHECK(other.wanted() == wish::stored);
}

CAF_TEST(a message that comes during a step is taken after it) {
  upload_turns sut;
  sut.wait(sut.ask());
  CAF_CHECK(!sut.heard()); // not by whoever brought it
  CAF_CHECK(sut.step_done() == next::message);
  CAF_CHECK(!sut.interrupt(wish::give_way)); // the next step
}

CAF_TEST(a message that comes while it is asked for is not waited for) {
  upload_turns sut;
  const auto asked = sut.ask();
  CAF_CHECK(!sut.heard()); // on another thread, before the asking one went on
  sut.wait(asked);
  CAF_CHECK(sut.step_done() == next::message);
}

CAF_TEST(what is being published can not be ended) {
  upload_turns sut;
  sut.commit();
  CAF_CHECK(!sut.interrupt(wish::stored));
  CAF_CHECK(sut.step_done() == next::nothing);
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
  CAF_CHECK(!sut.heard());
  CAF_CHECK(!sut.interrupt(wish::stored));
  CAF_CHECK(!sut.is_silent());
}

CAF_TEST(only who waits for the same message twice is silent) {
  upload_turns sut;
  CAF_CHECK(!sut.is_silent()); // a step of ours
  CAF_CHECK(!sut.is_silent());
  wait_for_message(sut);
  CAF_CHECK(!sut.is_silent()); // since when?
  CAF_CHECK(sut.heard());
  wait_for_message(sut);
  CAF_CHECK(!sut.is_silent()); // another message than before
  CAF_CHECK(sut.is_silent());
  CAF_CHECK(!sut.heard()); // it is being ended
  CAF_CHECK(!sut.is_silent());
}
