#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace expbuild {

/// A request's target, taken apart: decoded segments of its path, and decoded parameters. Never
/// used as a path of the file system.
class http_query {
public:
  explicit http_query(std::string_view target);

  const std::vector<std::string>& segments() const noexcept { return segments_; }

  /// The segment at this place and all behind it, joined by '/'; empty when there is none.
  std::string from(std::size_t segment) const;

  /// Empty when it is not given.
  std::string get(std::string_view name) const;

private:
  std::vector<std::string> segments_;
  std::vector<std::pair<std::string, std::string>> parameters_;
};

} // namespace expbuild
