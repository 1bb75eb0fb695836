#include "services/log_stream.hpp"

#include "actors/log.hpp"
#include "actors/log_sink.hpp"
#include "services/log_reader.hpp"
#include "services/written_stream.hpp"

#include <grpcpp/alarm.h>

#include <atomic>
#include <memory>
#include <optional>

namespace expbuild {

namespace {

class log_stream final : public written_stream<admin::v1::LogLine> {
public:
  log_stream(const context_ptr& context, rpc_meter& meter, const grpc::ServerContextBase& call,
             absl::StatusOr<log_reader> reader)
      : written_stream(context, meter, call), reader_(std::move(reader)) {}

private:
  void opened() override {
    wake_ = std::make_shared<const log_ring::follower>(
        [me = weak_from_this(), alarm = std::make_shared<std::optional<grpc::Alarm>>()] {
          alarm->emplace(); // a new one: the old one may be calling us
          (*alarm)->Set(std::chrono::system_clock::now(), [me](bool due) {
            if (const auto stream = me.lock(); stream && due)
              static_cast<log_stream&>(*stream).look_again();
          });
        });
  }

  std::optional<admin::v1::LogLine> next() override {
    return reader_.ok() ? reader_->next() : std::nullopt;
  }

  std::optional<absl::Status> over() const override {
    return reader_.ok() ? reader_->ended() : reader_.status();
  }

  void idle() override {
    if (!waits_.exchange(true))
      reader_->when_more(wake_);
  }

  void look_again() {
    waits_ = false;
    go_on();
  }

  absl::StatusOr<log_reader> reader_;
  std::shared_ptr<const log_ring::follower> wake_;
  std::atomic<bool> waits_{false}; ///< will be called
};

} // namespace

grpc::ServerWriteReactor<admin::v1::LogLine>* stream_log(const context_ptr& context,
                                                         rpc_meter& meter,
                                                         const grpc::ServerContextBase& call,
                                                         const admin::v1::GetLogRequest& request) {
  auto stream = std::make_shared<log_stream>(context, meter, call,
                                             log_reader::make(the_log().ring(), request));
  stream->begin();
  return stream.get();
}

} // namespace expbuild
