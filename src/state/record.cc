#include "state/record.h"

#include <limits>

namespace millrace::state {
namespace {

// Seven bits a byte, the lowest first; the top bit says that more follow (LEB128).
void AppendNumber(uint64_t number, std::string* out) {
  while (number >= 0x80) {
    out->push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out->push_back(static_cast<char>(number));
}

}  // namespace

void AppendRecord(const Record& record, std::string* out) {
  AppendNumber(record.store.operator_id, out);
  AppendNumber(record.store.store, out);
  AppendNumber(record.key.size(), out);
  out->append(record.key);
  if (!record.value) {
    AppendNumber(0, out);
    return;
  }
  AppendNumber(record.value->size() + 1, out);
  out->append(*record.value);
}

bool RecordReader::Next(Record* record) {
  uint64_t operator_id = 0;
  uint64_t store = 0;
  uint64_t length = 0;
  constexpr uint64_t kLargestId = std::numeric_limits<uint32_t>::max();
  if (!TakeNumber(&operator_id) || operator_id > kLargestId || !TakeNumber(&store) ||
      store > kLargestId || !TakeNumber(&length) || !TakeBytes(length, &record->key) ||
      !TakeNumber(&length)) {
    return false;
  }
  record->store = {static_cast<uint32_t>(operator_id), static_cast<uint32_t>(store)};
  record->value.reset();
  return length == 0 || TakeBytes(length - 1, &record->value.emplace());
}

bool RecordReader::TakeNumber(uint64_t* number) {
  *number = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return false;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    *number |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool RecordReader::TakeBytes(uint64_t length, std::string_view* bytes) {
  if (length > rest_.size()) return false;
  *bytes = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

void StateChanges::Put(StoreId store, std::string_view key, std::string_view value) {
  AppendRecord({store, key, value}, &records_);
  ++count_;
}

void StateChanges::Delete(StoreId store, std::string_view key) {
  AppendRecord({store, key, std::nullopt}, &records_);
  ++count_;
}

void StateChanges::Clear() {
  records_.clear();
  count_ = 0;
}

}  // namespace millrace::state
