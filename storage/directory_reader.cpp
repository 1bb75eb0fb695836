#include "storage/directory_reader.hpp"

namespace expbuild {

absl::StatusOr<std::shared_ptr<const reapi::Directory>> directory_reader::read(const digest& id) {
  if (const auto found = known_.find(id); found != known_.end())
    return found->second;
  const auto bytes = read_blob(from_, id, limits_.max_directory_bytes);
  if (absl::IsResourceExhausted(bytes.status()))
    return absl::InvalidArgumentError("Directory " + id.to_string() + " is larger than "
                                      + std::to_string(limits_.max_directory_bytes) + " bytes");
  if (!bytes.ok())
    return bytes.status();
  auto dir = std::make_shared<reapi::Directory>();
  if (!dir->ParseFromString(*bytes))
    return absl::InvalidArgumentError("blob " + id.to_string() + " is not a Directory message");
  if (auto status = validate_directory(*dir, id, policy_); !status.ok())
    return status;
  known_[id] = dir;
  return std::shared_ptr<const reapi::Directory>(std::move(dir));
}

} // namespace expbuild
