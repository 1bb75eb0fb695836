#define CAF_SUITE services.write_message
#include "services/write_message.hpp"

#include "google/bytestream/bytestream.pb.h"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using google::bytestream::WriteRequest;

namespace {

/// Cut into slices of this size, as the wire may deliver it.
grpc::ByteBuffer sliced(const std::string& bytes, std::size_t size) {
  std::vector<grpc::Slice> slices;
  for (std::size_t at = 0; at < bytes.size(); at += size)
    slices.emplace_back(bytes.substr(at, size));
  return {slices.data(), slices.size()};
}

std::string joined(const write_message& x) {
  std::string all;
  for (const auto piece : x.data())
    all.append(piece);
  CAF_CHECK_EQUAL(all.size(), x.data_size());
  return all;
}

WriteRequest request(std::size_t size) {
  WriteRequest x;
  x.set_resource_name("uploads/1/blobs/abc/5");
  x.set_write_offset(1'000'000);
  x.set_finish_write(true);
  for (std::size_t i = 0; i < size; ++i)
    x.mutable_data()->push_back(static_cast<char>(i % 251));
  return x;
}

} // namespace

CAF_TEST(a message says the same however it is cut into slices) {
  for (const std::size_t size : {0, 1, 100, 70'000}) {
    const auto expected = request(size);
    const auto bytes = expected.SerializeAsString();
    for (const std::size_t cut : {1, 2, 7, 23, 24, 1000, 100'000}) {
      const auto x = write_message::parse(sliced(bytes, cut));
      CAF_REQUIRE(x.has_value());
      CAF_CHECK_EQUAL(x->resource_name(), expected.resource_name());
      CAF_CHECK_EQUAL(x->write_offset(), expected.write_offset());
      CAF_CHECK_EQUAL(x->finish_write(), expected.finish_write());
      CAF_CHECK(joined(*x) == expected.data());
    }
  }
}

CAF_TEST(what it shows stays valid when it moves) {
  std::vector<write_message> messages; // that move whenever it grows
  for (std::size_t size = 1; size < 100; ++size) {
    auto x = write_message::parse(sliced(request(size).SerializeAsString(), 10));
    CAF_REQUIRE(x.has_value());
    messages.push_back(*std::move(x));
  }
  for (std::size_t size = 1; size < 100; ++size)
    CAF_CHECK(joined(messages[size - 1]) == request(size).data());
}

CAF_TEST(of a field that comes twice the last one counts and unknown ones are skipped) {
  WriteRequest second;
  second.set_data("second");
  second.set_write_offset(-5);
  const std::string unknown = "\x7a\x03"
                              "abc"
                              "\x78\x01"
                              "\x7d"
                              "1234";
  const auto bytes = request(1000).SerializeAsString() + unknown + second.SerializeAsString();
  WriteRequest expected;
  CAF_REQUIRE(expected.ParseFromString(bytes));
  for (const std::size_t cut : {3, 5000}) {
    const auto x = write_message::parse(sliced(bytes, cut));
    CAF_REQUIRE(x.has_value());
    CAF_CHECK_EQUAL(joined(*x), "second");
    CAF_CHECK_EQUAL(x->write_offset(), -5);
    CAF_CHECK_EQUAL(x->resource_name(), expected.resource_name());
  }
}

CAF_TEST(what is cut short or is no message is refused) {
  const auto whole = request(100).SerializeAsString();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto part = whole.substr(0, size);
    CAF_CHECK_EQUAL(write_message::parse(sliced(part, 9)).has_value(),
                    WriteRequest().ParseFromString(part));
  }
  for (const std::string bytes :
       {"\x52\xff\xff\xff\xff\x7f", "\x52\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "\x0a\xff\xff\xff\xff\x0fx", "\xff\xff\xff\xff\xff\xff", "\x0c"})
    CAF_CHECK(!write_message::parse(sliced(bytes, 100)));
}
