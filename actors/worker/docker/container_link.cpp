#include "actors/worker/docker/container_link.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace expbuild {

namespace {

using boost::system::error_code;
constexpr auto readable = boost::asio::posix::stream_descriptor::wait_read;

} // namespace

container_link::container_link(boost::asio::io_context& loop, unique_fd listener)
    : listener_(loop, listener.release()), socket_(loop) {}

absl::Status container_link::start(on_event events, on_gone gone) {
  events_ = std::move(events);
  gone_ = std::move(gone);
  wait_for_runner();
  return absl::OkStatus();
}

void container_link::wait_for_runner() {
  listener_.async_wait(readable, [me = shared_from_this()](error_code error) {
    if (!error)
      me->accept();
  });
}

void container_link::accept() {
  unique_fd peer(
      ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer && errno == EAGAIN) // Asio was wrong
    return wait_for_runner();
  if (!peer)
    return finish(errno_status(errno, "hearing the runner of a container"));
  error_code ignored;
  listener_.close(ignored);
  socket_.assign(peer.release());
  connected_ = true;
  for (const auto& packet : std::exchange(early_, {}))
    if (!runner::send_packet(socket_.native_handle(), packet))
      return finish(errno_status(errno, "asking the runner of a container"));
  listen();
}

absl::Status container_link::send(const runner::v1::Request& request, std::vector<int> attached) {
  if (!connected_) {
    early_.push_back(request.SerializeAsString());
    return absl::OkStatus();
  }
  if (runner::send_packet(socket_.native_handle(), request.SerializeAsString(),
                          std::move(attached)))
    return absl::OkStatus();
  auto status = errno_status(errno, "sending a request to the runner of a container");
  kill(status);
  return absl::UnavailableError(std::string(status.message()));
}

void container_link::listen() {
  socket_.async_wait(readable, [me = shared_from_this()](error_code error) {
    if (!error)
      me->take_packets();
  });
}

void container_link::take_packets() {
  for (;;) {
    runner::v1::Event event;
    std::vector<unique_fd> unwanted;
    const auto got = receive_event(socket_.native_handle(), event, unwanted);
    if (got == runner::received::nothing_yet)
      return listen();
    if (got != runner::received::message)
      return finish(absl::UnavailableError("the container has ended"));
    if (events_)
      events_(event, unique_fd());
  }
}

void container_link::finish(absl::Status why) {
  error_code ignored;
  listener_.close(ignored);
  socket_.close(ignored);
  connected_ = false;
  events_ = nullptr;
  if (const auto gone = std::exchange(gone_, nullptr))
    gone(why_.ok() ? std::move(why) : why_);
}

void container_link::abandon() {
  gone_ = nullptr;
  finish(absl::CancelledError("no longer needed"));
}

void container_link::kill(absl::Status why) {
  if (why_.ok())
    why_ = std::move(why);
  if (connected_)
    ::shutdown(socket_.native_handle(), SHUT_WR); // the runner ends, and we hear that
  else
    finish(why_);
}

absl::StatusOr<unique_fd> listen_in(int directory, const std::string& name, std::uint32_t uid,
                                    std::uint32_t gid) {
  unique_fd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The real path may be longer than an address.
  const auto path = "/proc/self/fd/" + std::to_string(directory) + "/" + name;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (!listener
      || ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0
      || ::fchmodat(directory, name.c_str(), 0600, 0) != 0
      || (::geteuid() == 0 && ::fchownat(directory, name.c_str(), uid, gid, 0) != 0)
      || ::listen(listener.get(), 1) != 0)
    return errno_status(errno, "making the socket of a container's runner");
  return listener;
}

} // namespace expbuild
