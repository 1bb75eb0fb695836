#define CAF_SUITE services.trouble
#include "test/services/dispatcher_fixture.hpp"

#include <random>
#include <thread>

/// What the services do when what they stand on fails: calls always end, in words.

using namespace expbuild;
using namespace expbuild::test;

namespace {

namespace bytestream = google::bytestream;

/// Takes no work.
struct full_pool : io_pool {
  bool post(lane, std::function<void()>) override { return false; }
  void stop() override {}
};

/// A blob of 3 MB that is never in memory, and on a damaged disk when told so.
class cold_reader : public blob_reader {
public:
  explicit cold_reader(bool damaged) : damaged_(damaged) {}

  static std::string bytes() { return std::string(3'000'000, 'c'); }
  const digest& id() const noexcept override { return id_; }
  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) override {
    if (damaged_ && offset > 0)
      return absl::DataLossError("shorter than its digest says");
    const auto n = std::min(out.size(), static_cast<std::size_t>(id_.size_bytes() - offset));
    std::fill_n(out.begin(), n, 'c');
    return n;
  }
  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t, std::span<char>) override {
    return std::nullopt;
  }

private:
  digest id_ = digest::of(bytes());
  bool damaged_;
};

struct fixture : dispatcher_fixture {
  const digest cold = digest::of(cold_reader::bytes());
  std::shared_ptr<mailbox<blobs_lost>> lost = std::make_shared<mailbox<blobs_lost>>();

  /// A CAS that holds the cold blob alone.
  void go_cold(bool damaged) {
    context->cas = fake<cas_actor>(
        [damaged](const open_blobs&, const reply<opened_blobs>& answer) {
          answer(opened_blobs{std::make_shared<cold_reader>(damaged)});
        },
        [to = lost](const blobs_lost& x) { to->put(x); });
  }

  grpc::Status read(const digest& id, std::string* bytes = nullptr) {
    return read_name(id.to_resource(), bytes);
  }

  grpc::Status read_name(const std::string& name, std::string* bytes = nullptr) {
    client_context call;
    bytestream::ReadRequest request;
    request.set_resource_name(name);
    auto stream = stub<bytestream::ByteStream>()->Read(&call, request);
    bytestream::ReadResponse piece;
    while (stream->Read(&piece))
      if (bytes != nullptr)
        bytes->append(piece.data());
    return stream->Finish();
  }

  grpc::Status write(const std::string& bytes, std::chrono::microseconds cancel_after = {}) {
    client_context call;
    bytestream::WriteResponse answer;
    auto stream = stub<bytestream::ByteStream>()->Write(&call, &answer);
    bytestream::WriteRequest message;
    message.set_resource_name("uploads/u/" + digest::of(bytes).to_resource());
    message.set_data(bytes);
    message.set_finish_write(true);
    stream->Write(message);
    stream->WritesDone();
    if (cancel_after.count() > 0) {
      std::this_thread::sleep_for(cancel_after);
      call.TryCancel();
    }
    return stream->Finish();
  }

  grpc::Status find() {
    client_context call;
    reapi::FindMissingBlobsResponse answer;
    return stub<reapi::ContentAddressableStorage>()->FindMissingBlobs(&call, {}, &answer);
  }

  /// Waits until the counters say that every call which began has ended.
  bool all_ended(const std::string& method) {
    for (int i = 0; i < 1000; ++i) {
      if (sum("grpc_server_started_total", method) == sum("grpc_server_handled_total", method))
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  double sum(const std::string& series, const std::string& method) {
    std::istringstream lines(meters->expose());
    double total = 0;
    for (std::string line; std::getline(lines, line);)
      if (line.rfind(series + "{", 0) == 0 && contains(line, "grpc_method=\"" + method + "\""))
        total += std::stod(line.substr(line.rfind(' ')));
    return total;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(trouble_tests, fixture)

CAF_TEST(bytes that are not in memory are waited for in the pool) {
  go_cold(false);
  std::string bytes;
  CAF_CHECK(read(cold, &bytes).ok());
  CAF_CHECK(bytes == cold_reader::bytes());
  CAF_CHECK(lost->empty());
}

CAF_TEST(a damaged blob is NOT_FOUND and the CAS is told) {
  go_cold(true);
  const auto status = read(cold);
  CAF_CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CAF_CHECK(contains(status.error_message(), "damaged"));
  CAF_CHECK(lost->take().digests.front() == cold);
}

CAF_TEST(a damaged blob is NOT_FOUND also compressed and a full pool RESOURCE_EXHAUSTED) {
  go_cold(true);
  const auto name = "compressed-blobs/zstd/" + cold.to_string();
  CAF_CHECK(read_name(name).error_code() == grpc::StatusCode::NOT_FOUND);
  CAF_CHECK(lost->take().digests.front() == cold);
  context->io = std::make_shared<full_pool>();
  CAF_CHECK(read_name(name).error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
}

CAF_TEST(an actor that is gone is UNAVAILABLE) {
  serve();
  for (const auto& each : kept)
    caf::anon_send_exit(each, caf::exit_reason::kill);
  CAF_CHECK(find().error_code() == grpc::StatusCode::UNAVAILABLE);
  CAF_CHECK(read(digest::of("x")).error_code() == grpc::StatusCode::UNAVAILABLE);
  CAF_CHECK(write("x").error_code() == grpc::StatusCode::UNAVAILABLE);
  CAF_CHECK(execution(*this).end().error_code() == grpc::StatusCode::UNAVAILABLE);
}

CAF_TEST(a full pool is RESOURCE_EXHAUSTED) {
  const auto id = put("hello");
  context->io = std::make_shared<full_pool>();
  CAF_CHECK(write("x").error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  client_context tree_call;
  reapi::GetTreeRequest tree;
  *tree.mutable_root_digest() = digest().to_proto();
  CAF_CHECK(
      stub<reapi::ContentAddressableStorage>()->GetTree(&tree_call, tree)->Finish().error_code()
      == grpc::StatusCode::RESOURCE_EXHAUSTED);
  client_context batch_call;
  reapi::BatchReadBlobsRequest batch;
  *batch.add_digests() = id.to_proto();
  reapi::BatchReadBlobsResponse answer;
  CAF_CHECK(
      stub<reapi::ContentAddressableStorage>()->BatchReadBlobs(&batch_call, batch, &answer).ok());
  CAF_CHECK_EQUAL(answer.responses(0).status().code(), 8);
}

CAF_TEST(a full pool costs a finished action its inlined outputs and not its result) {
  context->io = std::make_shared<full_pool>();
  execution client(*this, [](auto& request) { request.set_inline_stdout(true); });
  const auto sink = heard->executes.take().second;
  reapi::ExecuteResponse response;
  response.mutable_result()->set_exit_code(3);
  sink.update(completed(response));
  sink.finish(absl::OkStatus());
  CAF_CHECK(client.next().done());
  CAF_CHECK(client.end().ok());
}

CAF_TEST(uploads that are cancelled at any moment all end) {
  std::mt19937 chance(7);
  const std::string bytes(200'000, 'u');
  for (int i = 0; i < 200; ++i)
    write(bytes + std::to_string(i), std::chrono::microseconds(1 + chance() % 1500));
  CAF_CHECK(all_ended("Write"));
}

CAF_TEST(executions that are cancelled at any moment all end) {
  serve();
  std::atomic<bool> stop{false};
  std::thread operation([&] { // tells states to every stream as fast as it can
    std::vector<operation_sink> sinks;
    while (!stop) {
      if (!heard->executes.empty())
        sinks.push_back(heard->executes.take().second);
      for (const auto& each : sinks)
        each.update(state_of(execution_stage::executing));
      if (sinks.size() > 8) {
        sinks.front().update(completed({}));
        sinks.front().finish(absl::OkStatus());
        sinks.erase(sinks.begin());
      }
    }
  });
  std::mt19937 chance(11);
  for (int i = 0; i < 200; ++i) {
    execution client(*this);
    std::this_thread::sleep_for(std::chrono::microseconds(chance() % 1500));
    client.call.TryCancel();
    client.end();
  }
  CAF_CHECK(all_ended("Execute"));
  stop = true;
  operation.join();
}

CAF_TEST_FIXTURE_SCOPE_END()
