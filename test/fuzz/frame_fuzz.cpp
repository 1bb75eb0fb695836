#include "storage/disk/frame_reader.hpp"
#include "storage/little_endian.hpp"
#include "test/fuzz/fuzz.hpp"

#include <sys/mman.h>
#include <vector>

using namespace expbuild;

/// Four bytes: how large the blob should be, and how many frames the table has, which gets the
/// right end and checksum (what nothing but a bug could write); 0: the rest is the whole file. Then
/// ends of frames, 2 bytes each, and the frames.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.size() < 4)
    return 0;
  const std::int64_t plain = take_number<std::uint16_t>(rest) * 5;
  const auto count = take_number<std::uint8_t>(rest) % 8u;
  const std::int64_t frame_bytes = (1 + take_number<std::uint8_t>(rest)) * 1024;
  if (rest.size() < 2 * count)
    return 0;
  std::vector<std::uint64_t> ends;
  while (ends.size() < count)
    ends.push_back(take_number<std::uint16_t>(rest));
  std::string bytes(rest);
  if (count > 0)
    bytes += encode_frame_table({.plain_bytes = plain,
                                 .frame_bytes = frame_bytes,
                                 .packed_bytes = static_cast<std::int64_t>(rest.size())},
                                ends);
  const disk_file file(real_disk(), ::memfd_create("fuzzed", MFD_CLOEXEC), "fuzzed");
  require(file.write_at(0, bytes).ok(), "a file in memory can be written");
  const auto frames = frame_reader::open(file, std::ssize(bytes), plain);
  if (!frames.ok())
    return 0;
  frames->check_table(file).IgnoreError(); // it may be wrong or right
  std::string all(static_cast<std::size_t>(plain) + 1, '?');
  const auto n = frames->read_at(file, 0, all);
  require(!n.ok() || *n + 1 == all.size(), "a whole read is whole");
  std::string part(1000, '?');
  const auto some = frames->read_at(file, plain / 2, part);
  require(!n.ok()
              || (some.ok()
                  && all.compare(static_cast<std::size_t>(plain / 2), *some, part, 0, *some) == 0),
          "a part is a part of the whole");
  return 0;
}
