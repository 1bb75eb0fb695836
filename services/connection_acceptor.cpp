#include "services/connection_acceptor.hpp"

#include "actors/log.hpp"
#include "services/connection_budget.hpp"
#include "services/listening_sockets.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unordered_map>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("server");
  return instance;
}

unique_fd make_reserve() {
  return unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// A connection costs two descriptors; half of them all are for other things.
std::size_t affordable_connections() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::max<std::size_t>(1, limit.rlim_cur / 4);
}

std::size_t within_limits(std::size_t wanted) {
  const auto affordable = affordable_connections();
  if (wanted <= affordable)
    return wanted;
  logger().warn("only {} connections at once instead of {}: the limit of open files "
                "(RLIMIT_NOFILE, LimitNOFILE= of systemd) allows no more",
                affordable, wanted);
  return affordable;
}

class acceptor final : public connection_acceptor {
public:
  acceptor(listening_sockets sockets, const connection_acceptor_options& options)
      : sockets_(std::move(sockets)),
        budget_(within_limits(options.max_connections), options.max_connections_per_peer) {}
  ~acceptor() override { acceptor::stop(); }

  absl::Status prepare() {
    events_ = unique_fd(::epoll_create1(EPOLL_CLOEXEC));
    wake_ = unique_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    reserve_ = make_reserve();
    if (!events_ || !wake_ || !reserve_)
      return errno_status(errno, "preparing to accept connections");
    watch(wake_.get(), EPOLLIN);
    return absl::OkStatus();
  }

  int port() const noexcept override { return sockets_.port; }
  std::size_t open() const noexcept override { return open_; }
  std::size_t refused() const noexcept override { return refused_; }

  void start(connection_handler handler) override {
    handler_ = std::move(handler);
    watch_listeners(EPOLLIN);
    thread_ = std::thread([this] { run(); });
  }

  void close_peer(const std::string& peer) override {
    {
      const std::lock_guard lock(guard_);
      if (to_close_.size() < 1000)
        to_close_.insert(peer);
    }
    ::eventfd_write(wake_.get(), 1);
  }

  void stop() override {
    if (thread_.joinable()) {
      stopping_ = true;
      ::eventfd_write(wake_.get(), 1);
      thread_.join();
    }
    sockets_.sockets.clear();
  }

  void close_all() override {
    for (const auto& [fd, each] : connections_)
      ::shutdown(fd, SHUT_RDWR);
    connections_.clear();
    open_ = 0;
  }

private:
  using clock = std::chrono::steady_clock;

  void run() {
    std::array<epoll_event, 64> batch;
    for (;;) {
      // Only without descriptors is there anything to wait for that no event tells.
      const int n = ::epoll_wait(events_.get(), batch.data(), batch.size(), deaf_ ? 500 : -1);
      if (deaf_)
        hear_again();
      for (int i = 0; i < n; ++i) {
        const int fd = batch[static_cast<std::size_t>(i)].data.fd;
        if (fd == wake_.get()) {
          if (stopping_)
            return;
          close_unwanted();
        } else if (!ended(fd))
          accept_from(fd);
      }
    }
  }

  // ---- coming -----------------------------------------------------------------------------------

  /// All that wait, but not for ever: an event remains while there are more.
  void accept_from(int listener) {
    for (int i = 0; i < 64; ++i) {
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      unique_fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd)
        admit(std::move(fd), peer, listener);
      else if (errno == EMFILE || errno == ENFILE)
        return turn_away_without_descriptors(listener);
      else if (errno == ENOBUFS || errno == ENOMEM)
        return stop_hearing();
      else if (errno == EAGAIN)
        return;
    }
  }

  void admit(unique_fd fd, const sockaddr_storage& address, int listener) {
    auto peer = peer_of(address);
    if (!budget_.admit(peer))
      return tell_refusal("the budget of connections is used up");
    unique_fd second(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!second || !watch(second.get(), 0)) { // the end (EPOLLHUP) is told unasked
      budget_.release(peer);
      return tell_refusal("there are no descriptors");
    }
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int key = second.get();
    connections_.emplace(key, connection{std::move(second), std::move(peer), name_of(address)});
    open_ = budget_.open();
    handler_(std::move(fd), listener);
  }

  /// The reserve makes room to take the connection off the queue and close it. Without that the
  /// listener would stay readable, and this thread would spin.
  void turn_away_without_descriptors(int listener) {
    reserve_ = unique_fd();
    { const unique_fd closed_at_once(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)); }
    reserve_ = make_reserve();
    tell_refusal("there are no descriptors");
    if (!reserve_)
      stop_hearing();
  }

  void stop_hearing() {
    deaf_ = true;
    watch_listeners(0);
  }

  void hear_again() {
    if (!reserve_)
      reserve_ = make_reserve();
    if (!reserve_)
      return;
    deaf_ = false;
    watch_listeners(EPOLLIN);
  }

  void tell_refusal(const char* why) {
    const auto total = ++refused_;
    const auto now = clock::now();
    if (total > 1 && now - last_told_ < std::chrono::minutes(1))
      return;
    last_told_ = now;
    logger().warn("a connection is turned away: {} ({} are open, {} were turned away so far; "
                  "server.max_connections, server.max_connections_per_peer)",
                  why, budget_.open(), total);
  }

  // ---- going ------------------------------------------------------------------------------------

  bool ended(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end())
      return false;
    budget_.release(found->second.peer);
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, fd, nullptr);
    connections_.erase(found);
    open_ = budget_.open();
    return true;
  }

  void close_unwanted() {
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    std::set<std::string> names;
    {
      const std::lock_guard lock(guard_);
      names.swap(to_close_);
    }
    for (const auto& [fd, each] : connections_)
      if (names.contains(each.name) && ::shutdown(fd, SHUT_RDWR) == 0)
        logger().warn("the connection of {} is closed: it begins more calls than it lets end",
                      each.name);
  }

  // ---- what is watched --------------------------------------------------------------------------

  bool watch(int fd, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    return ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void watch_listeners(std::uint32_t what) {
    for (const auto& each : sockets_.sockets) {
      epoll_event event{};
      event.events = what;
      event.data.fd = each.get();
      if (::epoll_ctl(events_.get(), EPOLL_CTL_MOD, each.get(), &event) != 0)
        ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, each.get(), &event);
    }
  }

  struct connection {
    unique_fd second;
    std::string peer;
    std::string name;
  };

  listening_sockets sockets_;
  connection_budget budget_;
  connection_handler handler_;
  unique_fd events_;
  unique_fd wake_;
  unique_fd reserve_; // given up to turn a connection away when there are no others
  std::unordered_map<int, connection> connections_; // by the second descriptor
  std::mutex guard_;
  std::set<std::string> to_close_; ///< by name
  std::atomic<bool> stopping_{false};
  bool deaf_ = false; // the listeners are not watched: there are no descriptors
  clock::time_point last_told_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> refused_{0};
  std::thread thread_;
};

} // namespace

absl::StatusOr<std::unique_ptr<connection_acceptor>>
make_connection_acceptor(const connection_acceptor_options& options) {
  auto sockets = listen_on(options.address);
  if (!sockets.ok())
    return sockets.status();
  auto made = std::make_unique<acceptor>(*std::move(sockets), options);
  if (auto status = made->prepare(); !status.ok())
    return status;
  return made;
}

} // namespace expbuild
