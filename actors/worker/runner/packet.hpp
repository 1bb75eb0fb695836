#pragma once
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

/// Packets between a worker and its runner, over a SEQPACKET socket: a header, then the message,
/// inline when it is small, else in a memfd that comes along (a packet itself ends near 212 KB).
/// Other descriptors may come along, too.
/// Plain system calls: both the daemon and the runner, which knows no library of ours, include it.

namespace expbuild::runner {

struct packet_header {
  char magic[4] = {'E', 'X', 'R', '1'};
  std::uint32_t in_memfd = 0;
  std::uint64_t length = 0;
};

inline constexpr std::size_t inline_limit = 16 * 1024;
inline constexpr std::uint64_t message_limit = std::uint64_t{256} << 20;
inline constexpr std::size_t descriptor_limit = 3; ///< of one packet, its own memfd included

namespace detail {

inline bool write_whole(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

inline bool read_whole(int fd, std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

/// The control message that carries descriptors.
union fd_message {
  cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * descriptor_limit)];
};

inline void put_descriptors(const std::vector<int>& fds, fd_message& control, msghdr& packet) {
  const auto bytes = fds.size() * sizeof(int);
  packet.msg_control = control.space;
  packet.msg_controllen = CMSG_SPACE(bytes);
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(&control.header), fds.data(), bytes);
}

inline std::vector<int> take_descriptors(const msghdr& packet) {
  const auto* first = CMSG_FIRSTHDR(&packet);
  if (first == nullptr || first->cmsg_type != SCM_RIGHTS)
    return {};
  std::vector<int> fds((first->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  std::memcpy(fds.data(), CMSG_DATA(first), fds.size() * sizeof(int));
  return fds;
}

inline void close_all(std::vector<int>& fds) {
  for (const int fd : fds)
    ::close(fd);
  fds.clear();
}

} // namespace detail

/// False, with errno, when the packet could not be sent. Never waits on a non-blocking socket.
/// `attached` (at most two) come along, and stay the caller's.
inline bool send_packet(int socket, const std::string& message, std::vector<int> attached = {}) {
  packet_header header;
  header.length = message.size();
  header.in_memfd = message.size() > inline_limit ? 1 : 0;
  iovec parts[2] = {{&header, sizeof header}, {const_cast<char*>(message.data()), message.size()}};
  msghdr packet{};
  packet.msg_iov = parts;
  packet.msg_iovlen = header.in_memfd != 0 ? 1 : 2;
  int memfd = -1;
  if (header.in_memfd != 0) {
    memfd = ::memfd_create("expbuild-packet", MFD_CLOEXEC);
    if (memfd < 0 || !detail::write_whole(memfd, message)) {
      if (memfd >= 0)
        ::close(memfd);
      return false;
    }
    attached.insert(attached.begin(), memfd);
  }
  detail::fd_message control{};
  if (!attached.empty())
    detail::put_descriptors(attached, control, packet);
  ssize_t sent = -1;
  do
    sent = ::sendmsg(socket, &packet, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  const int error = errno;
  if (memfd >= 0)
    ::close(memfd);
  errno = error;
  return sent >= 0;
}

enum class received { message, end, nothing_yet, broken };

/// Takes the next packet. `end`: the other side is gone. `attached` gets the descriptors that came
/// along, the caller's from now on.
inline received receive_packet(int socket, std::string& message, std::vector<int>& attached) {
  attached.clear();
  packet_header header;
  std::string body(inline_limit, '\0');
  iovec parts[2] = {{&header, sizeof header}, {body.data(), body.size()}};
  detail::fd_message control{};
  msghdr packet{};
  packet.msg_iov = parts;
  packet.msg_iovlen = 2;
  packet.msg_control = control.space;
  packet.msg_controllen = sizeof control.space;
  ssize_t n = -1;
  do
    n = ::recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN ? received::nothing_yet
                           : (errno == ECONNRESET ? received::end : received::broken);
  attached = detail::take_descriptors(packet);
  if (n == 0) { // or a packet of nothing, which ends it as well
    detail::close_all(attached);
    return received::end;
  }
  bool whole = static_cast<std::size_t>(n) >= sizeof header
               && (packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0
               && std::memcmp(header.magic, packet_header{}.magic, sizeof header.magic) == 0
               && header.length <= message_limit;
  if (whole && header.in_memfd != 0) {
    message.assign(header.length, '\0');
    whole = !attached.empty() && detail::read_whole(attached.front(), message);
    if (!attached.empty()) {
      ::close(attached.front());
      attached.erase(attached.begin());
    }
  } else if (whole) {
    whole = static_cast<std::size_t>(n) - sizeof header == header.length;
    message.assign(body, 0, header.length);
  }
  if (whole)
    return received::message;
  detail::close_all(attached);
  return received::broken;
}

} // namespace expbuild::runner
