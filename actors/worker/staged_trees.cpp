#include "actors/worker/staged_trees.hpp"

#include "actors/log.hpp"
#include "actors/worker/remove_tree.hpp"
#include "storage/folder_listing.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("staging");
  return instance;
}

} // namespace

// ---- a tree in use ---------------------------------------------------------------------------

staged_trees::held::held(std::shared_ptr<staged_trees> owner, std::string key, std::string name)
    : owner_(std::move(owner)), key_(std::move(key)), name_(std::move(name)) {}

staged_trees::held::~held() {
  owner_->release(key_);
}

std::filesystem::path staged_trees::held::path() const {
  return owner_->options_.directory / name_;
}

// ---- life ------------------------------------------------------------------------------------

staged_trees::staged_trees(staged_trees_options options, std::shared_ptr<io_pool> io,
                           unique_fd folder)
    : options_(std::move(options)), io_(std::move(io)), folder_(std::move(folder)) {}

absl::StatusOr<std::shared_ptr<staged_trees>> staged_trees::open(staged_trees_options options,
                                                                 std::shared_ptr<io_pool> io) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  unique_fd folder(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fchmod(folder.get(), 0700) != 0)
    return errno_status(errno, "opening the staged trees at " + options.directory.string());
  std::vector<std::string> left;
  auto status = list_folder(folder.get(), ".", [&left](const std::string& name) {
    left.push_back(name);
    return absl::OkStatus();
  });
  if (!status.ok())
    return status;
  auto made = std::make_shared<staged_trees>(std::move(options), std::move(io), std::move(folder));
  for (auto& name : left)
    made->remove_later(std::move(name));
  return made;
}

// ---- asking ----------------------------------------------------------------------------------

staged_trees::outcome staged_trees::get(const std::string& key, const recipe& how) {
  std::promise<outcome> told;
  std::shared_future<outcome> other;
  {
    const std::lock_guard lock(guard_);
    if (const auto found = trees_.find(key); found != trees_.end())
      return hold(key, found->second);
    const auto [at, mine] = building_.try_emplace(key);
    if (mine)
      at->second = told.get_future().share();
    else
      other = at->second;
  }
  if (other.valid())
    return other.get();
  auto result = build(key, how);
  {
    const std::lock_guard lock(guard_);
    building_.erase(key);
  }
  told.set_value(result);
  return result;
}

std::shared_ptr<const staged_trees::held> staged_trees::hold(const std::string& key, tree& x) {
  if (x.unused)
    unused_.erase(*std::exchange(x.unused, std::nullopt));
  ++x.holders;
  return std::make_shared<const held>(shared_from_this(), key, x.name);
}

std::size_t staged_trees::entries() const {
  const std::lock_guard lock(guard_);
  return entries_;
}

// ---- building --------------------------------------------------------------------------------

staged_trees::outcome staged_trees::build(const std::string& key, const recipe& how) {
  const auto count = how.count_entries();
  if (!count.ok())
    return count.status();
  if (*count < options_.min_entries)
    return nullptr;
  auto name = make_unnamed();
  if (!name.ok())
    return name.status();
  const auto folder = open_beneath(folder_.get(), *name, O_RDONLY | O_DIRECTORY);
  auto status = folder.ok() ? how.fill(folder->get()) : folder.status();
  if (!status.ok()) {
    remove_later(*std::move(name));
    return status;
  }
  std::shared_ptr<const held> result;
  {
    const std::lock_guard lock(guard_);
    auto& x = trees_[key];
    x.name = *std::move(name);
    x.entries = *count;
    entries_ += *count;
    result = hold(key, x);
  }
  trim();
  return result;
}

/// A new folder under a name that was never used: what is being removed keeps its own.
absl::StatusOr<std::string> staged_trees::make_unnamed() {
  for (;;) {
    std::string name;
    {
      const std::lock_guard lock(guard_);
      name = std::to_string(::getpid()) + "-" + std::to_string(++last_);
    }
    if (::mkdirat(folder_.get(), name.c_str(), 0755) == 0)
      return name;
    if (errno != EEXIST)
      return errno_status(errno, "making a staged tree in " + options_.directory.string());
  }
}

// ---- going -----------------------------------------------------------------------------------

void staged_trees::release(const std::string& key) {
  {
    const std::lock_guard lock(guard_);
    auto& x = trees_.at(key);
    if (--x.holders > 0)
      return;
    x.unused = unused_.insert(unused_.end(), key);
  }
  trim();
}

void staged_trees::trim() {
  std::vector<std::string> gone;
  {
    const std::lock_guard lock(guard_);
    while (entries_ > options_.max_entries && !unused_.empty()) {
      const auto oldest = trees_.find(unused_.front());
      unused_.pop_front();
      entries_ -= oldest->second.entries;
      gone.push_back(std::move(oldest->second.name));
      trees_.erase(oldest);
    }
  }
  for (auto& name : gone)
    remove_later(std::move(name));
}

/// Off everybody's path; at once only when the lane is full.
void staged_trees::remove_later(std::string name) {
  const auto work = [me = shared_from_this(), name = std::move(name)] {
    if (const auto status = remove_tree(me->folder_.get(), name); !status.ok())
      logger().warn("staged tree {} could not be removed: {}",
                    (me->options_.directory / name).string(), status.ToString());
  };
  if (!io_->post(io_pool::lane::long_work, work))
    work();
}

} // namespace expbuild
