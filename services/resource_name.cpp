#include "services/resource_name.hpp"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace expbuild {

namespace {

constexpr std::array<std::string_view, 7> keywords{"blobs",       "compressed-blobs", "uploads",
                                                   "actions",     "actionResults",    "operations",
                                                   "capabilities"};

bool is_keyword(std::string_view x) {
  return std::find(keywords.begin(), keywords.end(), x) != keywords.end();
}

bool is_empty(std::string_view x) {
  return x.empty();
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos)
      return parts;
    text.remove_prefix(slash + 1);
  }
}

/// Decimal digits alone: no sign, no space.
std::optional<std::int64_t> parse_size(std::string_view text) {
  std::int64_t size = 0;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)
      || !absl::SimpleAtoi(std::string(text), &size))
    return std::nullopt;
  return size;
}

/// The function whose lower-case name this is; UNKNOWN for anything else, a hash for instance.
reapi::DigestFunction::Value function_named(std::string_view text) {
  const std::string given(text);
  auto value = reapi::DigestFunction::UNKNOWN;
  if (absl::AsciiStrToLower(given) != given
      || !reapi::DigestFunction::Value_Parse(absl::AsciiStrToUpper(given), &value))
    return reapi::DigestFunction::UNKNOWN;
  return value;
}

/// An upload's name is kept as long as the upload, and clients may add what they like to it.
constexpr std::size_t max_name_bytes = 4096;

/// Walks over the segments of one name.
class name_parser {
public:
  explicit name_parser(std::string_view text) : text_(text) {}

  absl::StatusOr<resource_name> run() {
    if (text_.size() > max_name_bytes)
      return wrong("it has " + std::to_string(text_.size()) + " bytes, and may have "
                   + std::to_string(max_name_bytes));
    parts_ = split(text_);
    for (const auto step : {&name_parser::instance, &name_parser::upload, &name_parser::compression,
                            &name_parser::blob})
      if (auto status = (this->*step)(); !status.ok())
        return status;
    return std::move(name_);
  }

private:
  absl::Status wrong(const std::string& why) const {
    return absl::InvalidArgumentError(
        "resource_name '" + std::string(text_.substr(0, 300)) + "': " + why
        + " (expected [INSTANCE/]blobs/[FUNCTION/]HASH/SIZE to read,"
          " [INSTANCE/]uploads/UUID/blobs/[FUNCTION/]HASH/SIZE to write)");
  }

  std::string_view next() { return at_ < parts_.size() ? parts_[at_++] : std::string_view{}; }
  std::size_t left() const { return parts_.size() - at_; }

  absl::Status instance() {
    const auto first = std::find_if(parts_.begin(), parts_.end(), is_keyword);
    if (first == parts_.end())
      return wrong("neither 'blobs' nor 'uploads' in it");
    at_ = static_cast<std::size_t>(first - parts_.begin());
    // One leading slash is what some clients make of an empty instance name.
    const auto begin = at_ > 0 && parts_.front().empty() ? parts_.begin() + 1 : parts_.begin();
    if (std::any_of(begin, first, is_empty))
      return wrong("an empty segment in the instance name");
    for (auto i = begin; i != first; ++i)
      name_.instance.append(i == begin ? "" : "/").append(*i);
    return absl::OkStatus();
  }

  absl::Status upload() {
    if (parts_[at_] != "uploads")
      return absl::OkStatus();
    next();
    name_.what = resource_name::kind::write;
    name_.upload_id = next();
    return name_.upload_id.empty() ? wrong("no UUID after 'uploads'") : absl::OkStatus();
  }

  absl::Status compression() {
    const auto keyword = next();
    if (keyword == "blobs")
      return absl::OkStatus();
    if (keyword != "compressed-blobs")
      return wrong("'" + std::string(keyword) + "' where 'blobs' should be");
    name_.compressor = next();
    return name_.compressor.empty() ? wrong("no compressor after 'compressed-blobs'")
                                    : absl::OkStatus();
  }

  absl::Status blob() {
    if (left() > 0)
      name_.function = function_named(parts_[at_]);
    if (name_.function != reapi::DigestFunction::UNKNOWN)
      next();
    const auto hash = next();
    if (hash.empty())
      return wrong("no hash");
    const auto size = parse_size(next());
    if (!size)
      return wrong("no size in bytes after the hash");
    if (left() > 0 && name_.what == resource_name::kind::read)
      return wrong("something follows the size");
    name_.blob.set_hash(std::string(hash));
    name_.blob.set_size_bytes(*size);
    return absl::OkStatus();
  }

  std::string_view text_;
  std::vector<std::string_view> parts_;
  std::size_t at_ = 0;
  resource_name name_;
};

} // namespace

absl::StatusOr<resource_name> resource_name::parse(std::string_view text) {
  return name_parser(text).run();
}

} // namespace expbuild
