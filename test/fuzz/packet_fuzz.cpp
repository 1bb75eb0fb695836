#include "actors/worker/runner/packet.hpp"
#include "test/fuzz/fuzz.hpp"

#include <algorithm>

using namespace expbuild::runner;

namespace {

struct pair_of_sockets {
  int ends[2] = {-1, -1};

  pair_of_sockets() {
    require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
            "sockets can be made");
  }
  ~pair_of_sockets() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
};

/// The next free one tells whether one was forgotten.
int free_descriptor() {
  const int fd = ::dup(0);
  ::close(fd);
  return fd;
}

void send_raw(int socket, const std::string& bytes, const std::vector<int>& fds) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  detail::fd_message control{};
  if (!fds.empty())
    detail::put_descriptors(fds, control, packet);
  require(::sendmsg(socket, &packet, 0) >= 0, "a packet can be sent");
}

} // namespace

/// The first byte: how many descriptors come along, whether the packet gets the right start, and
/// whether the first descriptor is a memfd with the rest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const pair_of_sockets sockets;
  const int before = free_descriptor();
  {
    const int memfd = ::memfd_create("fuzzed", MFD_CLOEXEC);
    require(detail::write_whole(memfd, rest), "memory can be written");
    const std::vector<int> fds(data[0] % (descriptor_limit + 1), memfd);
    packet_header header;
    header.in_memfd = data[0] >> 3 & 1;
    header.length = rest.size() + (data[0] >> 4 & 1);
    std::string start(reinterpret_cast<const char*>(&header), sizeof header);
    send_raw(sockets.ends[0],
             (data[0] & 0x80) != 0 ? rest : start + (header.in_memfd != 0 ? "" : rest), fds);
    ::close(memfd);
  }
  std::string message;
  std::vector<int> attached;
  const auto what = receive_packet(sockets.ends[1], message, attached);
  require(what == received::message || what == received::broken || what == received::end,
          "a packet is good or bad");
  require(what == received::message || attached.empty(), "nothing comes with a bad packet");
  require((data[0] & 0x80) != 0 || what != received::message || message == rest,
          "a message is what was sent");
  for (const int fd : attached)
    ::close(fd);
  require(send_packet(sockets.ends[0], rest, {sockets.ends[0]})
              && receive_packet(sockets.ends[1], message, attached) == received::message
              && message == rest && attached.size() == 1,
          "what is sent is received");
  ::close(attached.front());
  require(free_descriptor() == before, "no descriptor is forgotten");
  return 0;
}
