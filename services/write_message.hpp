#pragma once
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace expbuild {

/// A google.bytestream.WriteRequest whose data stays where gRPC has received it: a copy into a
/// protobuf message would cost as much as a third of hashing it. Moves, and what `data` shows stays
/// valid then.
class write_message {
public:
  write_message() = default;

  /// Nothing when these bytes are no WriteRequest.
  static std::optional<write_message> parse(const grpc::ByteBuffer& from);

  const std::string& resource_name() const noexcept { return resource_name_; }
  std::int64_t write_offset() const noexcept { return write_offset_; }
  bool finish_write() const noexcept { return finish_write_; }

  /// In pieces of some KiB, as they came off the wire; none is empty.
  const std::vector<std::string_view>& data() const noexcept { return data_; }
  std::size_t data_size() const noexcept { return data_size_; }

private:
  /// Shares what `from` had. Never copied again: small slices lie in the buffer itself.
  std::unique_ptr<grpc::ByteBuffer> bytes_;
  std::string resource_name_;
  std::int64_t write_offset_ = 0;
  bool finish_write_ = false;
  std::vector<std::string_view> data_; ///< in bytes_
  std::size_t data_size_ = 0;
};

} // namespace expbuild
