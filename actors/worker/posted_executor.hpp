#pragma once
#include "actors/worker/execution_thread_impl.hpp"

#include <boost/asio/post.hpp>

#include <future>
#include <utility>

namespace expbuild {

/// The outside of an executor: any thread may call, everything goes to the execution thread, where
/// its inside lives, shared with what is still on its way there. A `Session` has the functions of
/// the seam, and `close`.
template <class Session>
class posted_executor : public executor {
public:
  posted_executor(execution_thread::impl& thread, std::shared_ptr<Session> session)
      : loop_(thread.loop), session_(std::move(session)) {}

  /// Waits for the execution thread to let go, which never waits for anything itself.
  ~posted_executor() override {
    std::promise<void> closed;
    boost::asio::post(loop_, [&] {
      session_->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }

  void open(on_ready ready, on_lost lost) override {
    boost::asio::post(loop_, [s = session_, ready = std::move(ready), lost = std::move(lost)] {
      s->open(ready, lost);
    });
  }

  void start(command_spec command, on_ended ended) override {
    boost::asio::post(loop_, [s = session_, command = std::move(command),
                              ended = std::move(ended)] { s->start(command, ended); });
  }

  void stop() override {
    boost::asio::post(loop_, [s = session_] { s->stop(); });
  }

  void check_health(on_ready answer) override {
    boost::asio::post(loop_,
                      [s = session_, answer = std::move(answer)] { s->check_health(answer); });
  }

  std::int64_t pid() const override { return session_->pid(); }

private:
  boost::asio::io_context& loop_;
  const std::shared_ptr<Session> session_;
};

} // namespace expbuild
