#include "storage/disk/segment_loader.hpp"

namespace expbuild {

void segment_loader::load(const segment_listener& into) {
  for (const auto number : table_.found())
    if (auto status = load_one(number, into); !status.ok())
      into.failed(status);
}

absl::Status segment_loader::load_one(std::uint32_t number, const segment_listener& into) {
  auto status = absl::NotFoundError("not asked for");
  if (into.trusts_lists)
    status = segment_list::load(folder_, number, [&](const segment_list::item& x) {
      tell(number, x, into);
      return absl::OkStatus();
    });
  if (!status.ok()) // whatever it is: the segment itself may be readable
    status = scan(number, into);
  if (status.ok())
    table_.loaded(number);
  return status;
}

/// Every payload is looked at: nobody has said that this segment is whole.
absl::Status segment_loader::scan(std::uint32_t number, const segment_listener& into) {
  segment_list list;
  const auto end = table_.find(number)->scan(
      [&](const record_header& header, std::uint32_t offset, std::string_view payload) {
        segment_list::item item{header, offset, {}};
        if (header.kind == record_kind::removed) {
          const auto place = decode_place(payload);
          if (!place.ok())
            return absl::OkStatus();
          item.removed = *place;
        } else if (!whole_(header.key, payload)) {
          into.damaged(header.key);
          return absl::OkStatus();
        }
        list.add(item.header, item.offset, item.removed);
        tell(number, item, into);
        return absl::OkStatus();
      });
  if (!end.ok())
    return end.status();
  if (sync_)
    if (auto status = table_.find(number)->sync(); !status.ok())
      return status;
  return list.save(folder_, number, sync_);
}

void segment_loader::tell(std::uint32_t number, const segment_list::item& item,
                          const segment_listener& into) {
  if (item.header.kind == record_kind::removed) {
    into.removed(item.header.key, item.removed);
    return;
  }
  if (!into.found(item.header.key, {number, item.offset}, item.header.payload))
    return;
  table_.wanted(number, item.header.size());
}

} // namespace expbuild
