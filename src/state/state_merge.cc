#include "state/state_merge.h"

#include <absl/container/flat_hash_map.h>

#include <list>
#include <utility>

#include "state/key_table.h"

namespace millrace::state {
namespace {

struct StoreKey {
  StoreId store;
  std::string_view key;

  bool operator==(const StoreKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const StoreKey& k) {
    return H::combine(std::move(h), k.store.operator_id, k.store.store, k.key);
  }
};

/// Reads the records of a section and calls `visit` with each.
template <typename Visit>
Status ForEachRecord(const StateFileReader& file, const Section& section,
                     std::string_view raw, Visit visit) {
  RecordReader reader(raw);
  uint64_t count = 0;
  Record record;
  for (; !reader.AtEnd(); ++count) {
    if (!reader.Next(&record)) {
      return DamagedStateFile(file.path(), section.offset, "a record",
                              fmt::format("none at its byte {}", reader.position()));
    }
    MILLRACE_RETURN_IF_ERROR(visit(record));
  }
  if (count != section.records) {
    return DamagedStateFile(file.path(), section.offset,
                            fmt::format("{} records", section.records),
                            fmt::format("{}", count));
  }
  return Status::OK();
}

/// What the deltas change in one group; the last change of a key counts.
class GroupChanges {
 public:
  void Add(const Record& record) {
    const auto [entry, is_new] =
        positions_.try_emplace(StoreKey{record.store, record.key}, changes_.size());
    if (is_new) {
      changes_.push_back(record);
    } else {
      changes_[entry->second].value = record.value;
    }
  }
  bool Has(const Record& record) const {
    return positions_.contains(StoreKey{record.store, record.key});
  }
  const std::vector<Record>& changes() const { return changes_; }

 private:
  absl::flat_hash_map<StoreKey, size_t> positions_;
  std::vector<Record> changes_;  // in the order keys first appeared
};

/// A delta and, of its mixed sections, the records of each group.
class DeltaByGroup {
 public:
  DeltaByGroup() = default;
  DeltaByGroup(DeltaByGroup&&) = default;
  DeltaByGroup& operator=(DeltaByGroup&&) = default;

  static Result<DeltaByGroup> Make(const StateFileReader* file, uint32_t key_groups) {
    DeltaByGroup delta;
    delta.file_ = file;
    delta.mixed_.resize(key_groups);
    for (const Section& section : file->sections()) {
      if (section.group != kMixedGroups) continue;
      MILLRACE_ASSIGN_OR_RETURN(delta.raw_.emplace_back(), file->ReadSection(section));
      MILLRACE_RETURN_IF_ERROR(
          ForEachRecord(*file, section, delta.raw_.back(), [&](const Record& record) {
            delta.mixed_[KeyGroup(record.key, key_groups)].push_back(record);
            return Status::OK();
          }));
    }
    return delta;
  }

  /// Adds what it changes in `group`; `raw` keeps the bytes.
  Status AddTo(uint32_t group, std::list<std::string>* raw, GroupChanges* changes) const {
    for (const Record& record : mixed_[group]) changes->Add(record);
    for (const Section& section : file_->sections()) {
      if (section.group != group) continue;
      MILLRACE_ASSIGN_OR_RETURN(raw->emplace_back(), file_->ReadSection(section));
      MILLRACE_RETURN_IF_ERROR(
          ForEachRecord(*file_, section, raw->back(), [&](const Record& record) {
            changes->Add(record);
            return Status::OK();
          }));
    }
    return Status::OK();
  }

 private:
  const StateFileReader* file_ = nullptr;
  std::list<std::string> raw_;              // a list: the records point into it
  std::vector<std::vector<Record>> mixed_;  // by group
};

}  // namespace

Status MergeStateFiles(const StateFiles& files, uint32_t key_groups,
                       const std::function<Status(const Record&)>& visit,
                       const std::function<Status(uint32_t group)>& end_group) {
  std::vector<DeltaByGroup> deltas;
  for (const auto& file : files.deltas) {
    MILLRACE_ASSIGN_OR_RETURN(deltas.emplace_back(),
                              DeltaByGroup::Make(file.get(), key_groups));
  }
  for (uint32_t group = 0; group < key_groups; ++group) {
    std::list<std::string> raw;
    GroupChanges changes;
    for (const DeltaByGroup& delta : deltas) {
      MILLRACE_RETURN_IF_ERROR(delta.AddTo(group, &raw, &changes));
    }
    if (files.snapshot != nullptr) {
      for (const Section& section : files.snapshot->sections()) {
        if (section.group != group) continue;
        MILLRACE_ASSIGN_OR_RETURN(const std::string bytes,
                                  files.snapshot->ReadSection(section));
        MILLRACE_RETURN_IF_ERROR(
            ForEachRecord(*files.snapshot, section, bytes, [&](const Record& record) {
              return changes.Has(record) ? Status::OK() : visit(record);
            }));
      }
    }
    for (const Record& change : changes.changes()) {
      if (change.value) MILLRACE_RETURN_IF_ERROR(visit(change));
    }
    MILLRACE_RETURN_IF_ERROR(end_group(group));
  }
  return Status::OK();
}

}  // namespace millrace::state
