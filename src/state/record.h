// The records of state files: one put or delete each. docs/formats/state.md, "Records".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "state/state_log.h"

namespace millrace::state {

/// Views into the bytes it was read from.
struct Record {
  StoreId store;
  std::string_view key;
  std::optional<std::string_view> value;  // nothing: the key was deleted
};

void AppendRecord(const Record& record, std::string* out);

/// Takes one record after the other from `bytes`.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : rest_(bytes), size_(bytes.size()) {}

  bool AtEnd() const { return rest_.empty(); }
  /// Only when !AtEnd(). False where there is no whole record.
  bool Next(Record* record);
  /// How many bytes were taken.
  size_t position() const { return size_ - rest_.size(); }

 private:
  bool TakeNumber(uint64_t* number);
  bool TakeBytes(uint64_t length, std::string_view* bytes);

  std::string_view rest_;
  const size_t size_;
};

}  // namespace millrace::state
