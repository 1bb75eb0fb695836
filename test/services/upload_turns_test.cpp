#define CAF_SUITE services.upload_turns
#include "services/upload_turns.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using wish = upload_turns::wish;

namespace {

/// Our step is done, and we wait for the client.
void wait_for_message(upload_turns& sut) {
  CAF_CHECK(sut.ask() == wish::none);
  CAF_CHECK(sut.wait(sut.asked()) == wish::none);
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
  CAF_CHECK(sut.ask() == wish::give_way);
  upload_turns other;
  wait_for_message(other);
  CAF_CHECK(other.heard());
  CAF_CHECK(!other.interrupt(wish::stored));
  CAF_CHECK(other.ask() == wish::stored);
}

CAF_TEST(a wish that comes while the message is asked for is seen right after) {
  upload_turns sut;
  CAF_CHECK(sut.ask() == wish::none);
  CAF_CHECK(!sut.interrupt(wish::give_way));
  CAF_CHECK(sut.wait(sut.asked()) == wish::give_way);
}

CAF_TEST(a message that comes while it is asked for is not waited for) {
  upload_turns sut;
  CAF_CHECK(sut.ask() == wish::none);
  const auto asked = sut.asked();
  CAF_CHECK(sut.heard());                  // on another thread, before the asking one went on
  CAF_CHECK(sut.wait(asked) == wish::none); // and it does not take the step for waiting
  CAF_CHECK(!sut.interrupt(wish::give_way));
}

CAF_TEST(what is being published can not be ended) {
  upload_turns sut;
  sut.commit();
  CAF_CHECK(!sut.interrupt(wish::stored));
  CAF_CHECK(sut.ask() == wish::none);
}

CAF_TEST(a blob that is stored elsewhere is not given way for) {
  upload_turns sut;
  CAF_CHECK(!sut.interrupt(wish::stored));
  CAF_CHECK(!sut.interrupt(wish::give_way));
  CAF_CHECK(sut.ask() == wish::stored);
}

CAF_TEST(only who waits for the same message twice is silent) {
  upload_turns sut;
  CAF_CHECK(!sut.is_silent()); // a step of ours
  wait_for_message(sut);
  CAF_CHECK(!sut.is_silent()); // since when?
  CAF_CHECK(sut.heard());
  wait_for_message(sut);
  CAF_CHECK(!sut.is_silent()); // another message than before
  CAF_CHECK(sut.is_silent());
  CAF_CHECK(!sut.heard()); // it was ended
  CAF_CHECK(!sut.is_silent());
}
