#define CAF_SUITE actors.storage
#include "actors/action_cache.hpp"
#include "actors/action_loader.hpp"
#include "actors/cas.hpp"
#include "storage/missing.hpp"
#include "storage/result_store.hpp"
#include "test/support/actors.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : actor_fixture {
  cas_actor blobs;
  action_cache_actor cache;
  std::shared_ptr<result_store> results = make_memory_result_store();

  fixture() {
    blobs = keep(sys.spawn(
        cas, cas_options{.store = store, .io = io, .meters = meters, .max_open_writes = 2}));
    cache = keep(sys.spawn(
        action_cache,
        action_cache_options{
            .results = results, .store = store, .io = io, .meters = meters, .blobs = blobs}));
    consume_messages();
  }

  template <class T, class Message, class Actor>
  answer_box<T> ask(const Actor& whom, Message message) {
    answer_box<T> box;
    caf::anon_send(whom, std::move(message), box.make());
    consume_messages();
    return box;
  }

  std::vector<digest> missing_of(std::vector<digest> ids) {
    return ask<missing_blobs>(blobs, find_missing{.trace = {}, .digests = std::move(ids)})
        .value()
        .digests;
  }

  digest put(const std::string& bytes) {
    const auto id = *write_blob(*store, bytes, digest_function::sha256);
    ask<unit>(blobs, blobs_stored{.trace = {}, .digests = {id}});
    return id;
  }

  cached_result result_with_output(const digest& output) {
    auto result = std::make_shared<reapi::ActionResult>();
    auto& file = *result->add_output_files();
    file.set_path("out");
    *file.mutable_digest() = output.to_proto();
    return result;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(storage_actor_tests, fixture)

CAF_TEST(a blob is missing until it was stored and the empty blob never is) {
  const auto id = digest::of("hello");
  CAF_CHECK_EQUAL(missing_of({id, digest()}).size(), 1u);
  put("hello");
  CAF_CHECK(missing_of({id, digest()}).empty());
}

CAF_TEST(the right hash with a wrong size is missing) {
  const auto id = put("hello");
  const auto wrong = *digest::parse(id.hash(), 6, digest_function::sha256);
  CAF_CHECK_EQUAL(missing_of({wrong}).size(), 1u);
}

CAF_TEST(a blob is found by its hash alone and tells its size) {
  const auto by_hash = [this](digest_function function, std::string_view raw) {
    return ask<std::optional<digest>>(
               blobs, find_by_hash{.trace = {}, .function = function, .raw_hash = std::string(raw)})
        .value();
  };
  const auto id = digest::of("hello");
  CAF_CHECK(!by_hash(id.function(), id.raw_hash()));
  put("hello");
  put("another");
  CAF_CHECK(by_hash(id.function(), id.raw_hash()) == id);
  CAF_CHECK(!by_hash(digest_function::sha1, id.raw_hash().substr(0, 20)));
  CAF_CHECK(store->remove(id).ok());
  caf::anon_send(blobs, blobs_lost{.trace = {}, .digests = {id}});
  consume_messages();
  CAF_CHECK(!by_hash(id.function(), id.raw_hash()));
}

CAF_TEST(the empty blob is found by its hash although nobody stored it) {
  const auto& empty = digest::empty_blob(digest_function::sha1);
  const auto found =
      ask<std::optional<digest>>(blobs, find_by_hash{.trace = {},
                                                     .function = empty.function(),
                                                     .raw_hash = std::string(empty.raw_hash())});
  CAF_CHECK(found.value() == empty);
}

CAF_TEST(a writer is given only for what is absent and its budget comes back) {
  const auto there = put("there");
  auto first = ask<begun_writes>(
      blobs, begin_writes{.trace = {}, .digests = {there, digest::of("a"), digest::of("b")}});
  CAF_CHECK(*first.value()[0] == nullptr);
  CAF_CHECK(*first.value()[1] != nullptr);
  auto refused = ask<begun_writes>(blobs, begin_writes{.trace = {}, .digests = {digest::of("c")}});
  CAF_CHECK(absl::IsResourceExhausted(refused.status()));
  first.slot->reset(); // the writers go
  consume_messages();
  CAF_CHECK(ask<begun_writes>(blobs, begin_writes{.trace = {}, .digests = {digest::of("c")}})
                .status()
                .ok());
}

CAF_TEST(a blob that vanished from the store is no longer believed present) {
  const auto id = put("hello");
  CAF_CHECK(store->remove(id).ok());
  const auto opened = ask<opened_blobs>(blobs, open_blobs{.trace = {}, .digests = {id}});
  CAF_CHECK(absl::IsNotFound(opened.value()[0].status()));
  CAF_CHECK_EQUAL(missing_of({id}).size(), 1u);
}

CAF_TEST(a blob that was stored again stays when somebody tells late that it was lost) {
  const auto id = put("hello");
  CAF_CHECK(store->remove(id).ok());
  CAF_CHECK(absl::IsNotFound(store->open(id).status())); // many actions find that
  put("hello");
  caf::anon_send(blobs, blobs_lost{.trace = {}, .digests = {id}});
  consume_messages();
  CAF_CHECK(missing_of({id}).empty());
  CAF_CHECK_EQUAL(read_blob(*store, id, 100).value_or("nothing"), "hello");
}

CAF_TEST(a result is a hit only while every blob that it names is present) {
  const auto action = digest::of("action");
  const auto output = put("output");
  CAF_CHECK(
      ask<unit>(cache,
                put_result{.trace = {}, .action = action, .result = result_with_output(output)})
          .status()
          .ok());
  CAF_CHECK(ask<cached_result>(cache, get_result{.trace = {}, .action = action, .inlined = {}})
                .status()
                .ok());
  CAF_CHECK(store->remove(output).ok());
  caf::anon_send(blobs, blobs_lost{.trace = {}, .digests = {output}});
  consume_messages();
  const auto miss =
      ask<cached_result>(cache, get_result{.trace = {}, .action = action, .inlined = {}});
  CAF_CHECK(absl::IsNotFound(miss.status()));
}

CAF_TEST(a result that was stored or read is answered without its store) {
  const auto action = digest::of("action");
  const auto result = result_with_output(put("output"));
  const auto look = [&] {
    return ask<cached_result>(cache, get_result{.trace = {}, .action = action, .inlined = {}});
  };
  CAF_CHECK(
      ask<unit>(cache, put_result{.trace = {}, .action = action, .result = result}).status().ok());
  CAF_CHECK(results->remove(action).ok());
  CAF_CHECK(look().status().ok());
  const auto read = digest::of("read");
  CAF_CHECK(results->put(read, *result, {}).ok());
  for (int i = 0; i < 2; ++i) {
    CAF_CHECK(ask<cached_result>(cache, get_result{.trace = {}, .action = read, .inlined = {}})
                  .status()
                  .ok());
    CAF_CHECK(results->remove(read).ok()); // the second time it is only remembered
  }
}

CAF_TEST(what was read before a change is not remembered over what was stored since) {
  const auto action = digest::of("action");
  const auto older = result_with_output(put("older"));
  const auto newer = result_with_output(put("newer"));
  const auto named = [](const char* text) {
    return std::make_shared<const std::vector<digest>>(1, digest::of(text));
  };
  CAF_CHECK(
      ask<unit>(cache, put_result{.trace = {}, .action = action, .result = newer}).status().ok());
  caf::anon_send(cache, result_known{.trace = {},
                                     .action = action,
                                     .result = older,
                                     .named = named("older"),
                                     .changes = 0}); // from before the put
  consume_messages();
  const auto found =
      ask<cached_result>(cache, get_result{.trace = {}, .action = action, .inlined = {}});
  CAF_CHECK_EQUAL(found.value()->output_files(0).digest().hash(), digest::of("newer").hash());
}

CAF_TEST(a result that names an absent blob is not taken and the blob is named) {
  const auto absent = digest::of("absent");
  const auto refused = ask<unit>(
      cache,
      put_result{.trace = {}, .action = digest::of("a"), .result = result_with_output(absent)});
  CAF_CHECK(absl::IsFailedPrecondition(refused.status()));
  const auto named = missing_blobs_of(refused.status());
  CAF_REQUIRE_EQUAL(named.size(), 1u);
  CAF_CHECK_EQUAL(named[0], absent.to_resource());
}

CAF_TEST(a hit carries inlined bytes only where they were asked for) {
  const auto action = digest::of("action");
  const auto output = put("output");
  ask<unit>(cache, put_result{.trace = {}, .action = action, .result = result_with_output(output)});
  get_result request;
  request.action = action;
  const auto bare = ask<cached_result>(cache, request).value();
  CAF_CHECK(bare->output_files(0).contents().empty());
  request.inlined.output_files = {"out"};
  const auto full = ask<cached_result>(cache, request).value();
  CAF_CHECK_EQUAL(full->output_files(0).contents(), "output");
}

CAF_TEST(bytes that a client inlined become blobs of the result) {
  reapi::ActionResult result;
  result.set_stdout_raw(std::string(5 << 20, 'o'));
  result.set_stderr_raw("complaint");
  *result.mutable_stderr_digest() = digest::of("complaint").to_proto(); // never uploaded
  result.add_output_files()->set_path("out");
  result.mutable_output_files(0)->set_contents("made");
  const auto action = digest::of("action");
  CAF_REQUIRE(ask<unit>(cache, put_result{.trace = {},
                                          .action = action,
                                          .result = std::make_shared<reapi::ActionResult>(result)})
                  .status()
                  .ok());
  const auto box =
      ask<cached_result>(cache, get_result{.trace = {}, .action = action, .inlined = {}});
  const auto& found = *box.value();
  CAF_CHECK(found.ByteSizeLong() < 1000u);
  CAF_CHECK_EQUAL(found.stdout_digest().size_bytes(), 5 << 20);
  CAF_CHECK_EQUAL(found.output_files(0).digest().hash(), digest::of("made").hash());
  CAF_CHECK(missing_of({digest::of("made"), digest::of("complaint")}).empty());
}

CAF_TEST(inlined bytes that are not what their digest says do not replace a missing blob) {
  reapi::ActionResult result;
  result.set_stdout_raw("something else");
  *result.mutable_stdout_digest() = digest::of("gone").to_proto();
  const auto box =
      ask<unit>(cache, put_result{.trace = {},
                                  .action = digest::of("action"),
                                  .result = std::make_shared<reapi::ActionResult>(result)});
  CAF_CHECK_EQUAL(missing_blobs_of(box.status()).size(), 1u);
}

CAF_TEST(an action without its command is told with every input that is missing as well) {
  reapi::Directory root;
  root.add_files()->set_name("input");
  *root.mutable_files(0)->mutable_digest() = digest::of("input").to_proto();
  reapi::Action action;
  *action.mutable_command_digest() = digest::of("command").to_proto();
  *action.mutable_input_root_digest() = put(root.SerializeAsString()).to_proto();
  const auto loaded = load_action(*store, put(action.SerializeAsString()), {});
  CAF_CHECK_EQUAL(missing_blobs_of(loaded.status()).size(), 2u);
}

CAF_TEST(an action is loaded with its command and the default timeout) {
  const auto loaded = load_action(*store, stored_action{}.in(*store), {});
  CAF_REQUIRE(loaded.ok());
  CAF_CHECK_EQUAL((*loaded)->command.arguments(0), "/bin/true");
  CAF_CHECK((*loaded)->timeout == std::chrono::hours(1));
}

CAF_TEST(an action without arguments or with a timeout above the maximum is refused in words) {
  stored_action silent;
  silent.arguments.clear();
  const auto nothing = load_action(*store, silent.in(*store), {});
  CAF_CHECK(absl::IsInvalidArgument(nothing.status()));
  CAF_CHECK(std::string(nothing.status().message()).find("Command.arguments") != std::string::npos);
  stored_action endless;
  endless.timeout_seconds = 1'000'000'000;
  const auto refused = load_action(*store, endless.in(*store), {});
  CAF_CHECK(absl::IsInvalidArgument(refused.status()));
  CAF_CHECK(std::string(refused.status().message()).find("maximum") != std::string::npos);
}

CAF_TEST(an action that is no Action message is refused naming the blob) {
  const auto garbage = *write_blob(*store, "\xff\xff\xff", digest_function::sha256);
  const auto refused = load_action(*store, garbage, {});
  CAF_CHECK(absl::IsInvalidArgument(refused.status()));
  CAF_CHECK(std::string(refused.status().message()).find(garbage.hash()) != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
