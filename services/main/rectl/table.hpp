#pragma once
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <vector>

namespace expbuild::rectl {

/// Rows of text, printed to stdout in columns as wide as they must be; the last one is not filled.
class table {
public:
  explicit table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print() const;

private:
  std::vector<std::vector<std::string>> rows_;
};

/// "340 us", "12.5 ms", "3.0 s".
std::string duration_text(double seconds);
std::string duration_text(const google::protobuf::Duration& x);

double seconds_between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to);
google::protobuf::Timestamp now();

/// A word for a terminal in a colour, unless stdout is none or NO_COLOR is set.
enum class colour { plain, good, bad, doubtful, faint };
std::string coloured(const std::string& text, colour x);

} // namespace expbuild::rectl
