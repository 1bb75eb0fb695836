#include "actors/worker/docker/container_sweeper.hpp"

#include "actors/log.hpp"
#include "actors/worker/execution_thread_impl.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <future>

namespace expbuild {

namespace {

/// Told once each of so many has answered; true when all went well.
struct countdown {
  std::size_t left;
  bool all_well = true;
  std::promise<bool> done;

  void take(const absl::Status& status) {
    all_well = all_well && status.ok();
    if (--left == 0)
      done.set_value(all_well);
  }
};

class periodic_sweeper : public container_sweeper,
                         public std::enable_shared_from_this<periodic_sweeper> {
public:
  periodic_sweeper(boost::asio::io_context& loop, std::shared_ptr<containers> boxes,
                   container_sweeper_options options)
      : loop_(loop), boxes_(std::move(boxes)), options_(std::move(options)), timer_(loop) {}

  void sweep() override {
    for (const auto& pool : options_.pools)
      boxes_->remove_labelled(container_labels::pool, pool, container_labels::boot, options_.boot,
                              [pool](const absl::Status& status) {
                                if (!status.ok())
                                  log_of("docker").warn(
                                      "containers of {} can not be cleaned up: {}", pool,
                                      std::string(status.message()));
                              });
    timer_.expires_after(options_.every);
    timer_.async_wait([me = weak_from_this()](boost::system::error_code error) {
      const auto self = me.lock();
      if (!error && self)
        self->sweep();
    });
  }

  void rest() override { timer_.cancel(); }

  bool remove_all(std::chrono::milliseconds limit) override {
    auto count = std::make_shared<countdown>();
    count->left = options_.pools.size();
    auto done = count->done.get_future();
    boost::asio::post(loop_, [me = shared_from_this(), count] {
      me->rest();
      for (const auto& pool : me->options_.pools)
        me->boxes_->remove_labelled(container_labels::pool, pool, "", "",
                                    [count](const absl::Status& status) { count->take(status); });
    });
    return done.wait_for(limit) == std::future_status::ready && done.get();
  }

private:
  boost::asio::io_context& loop_;
  const std::shared_ptr<containers> boxes_;
  const container_sweeper_options options_;
  boost::asio::steady_timer timer_;
};

} // namespace

std::shared_ptr<container_sweeper> make_container_sweeper(execution_thread& thread,
                                                          std::shared_ptr<containers> boxes,
                                                          container_sweeper_options options) {
  return std::make_shared<periodic_sweeper>(thread.get().loop, std::move(boxes),
                                            std::move(options));
}

} // namespace expbuild
