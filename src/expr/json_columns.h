// Columns a JsonReader writes into: every value of a type has a slot, null until it is
// set, that can be set again (a repeated key). The buffers become Arrow arrays without a
// copy.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <arrow/type_fwd.h>

#include "data/batch.h"

namespace millrace::expr {

class JsonColumn;

/// The bytes of strings that do not fit into their views: the buffers of the documents,
/// then chunks of copied bytes.
class JsonBytes {
 public:
  /// The next strings may lie in `buffers`.
  void Reset(std::vector<std::shared_ptr<arrow::Buffer>> buffers);
  /// Copies `text`; `*buffer` and `*offset` tell where to. Throws std::bad_alloc.
  const char* Copy(std::string_view text, int32_t* buffer, int32_t* offset);
  const std::vector<std::shared_ptr<arrow::Buffer>>& buffers() const { return buffers_; }

 private:
  std::vector<std::shared_ptr<arrow::Buffer>> buffers_;
  uint8_t* chunk_ = nullptr;
  int64_t used_ = 0;
  int64_t capacity_ = 0;
};

/// The columns that share slot numbers: a struct's fields with the struct, a map's keys
/// and values, at the top all that belongs to a row.
class JsonSlots {
 public:
  int64_t size() const { return size_; }
  int64_t Add() {
    if (size_ == capacity_) Reserve(capacity_ < 16 ? 16 : 2 * capacity_);
    return size_++;
  }
  /// Makes room for `slots` slots in all. Throws std::bad_alloc.
  void Reserve(int64_t slots);
  /// Makes the slots from `size` on null again.
  void Truncate(int64_t size);
  void Attach(JsonColumn* column) { columns_.push_back(column); }
  void Clear() { size_ = capacity_ = 0; }

 private:
  int64_t size_ = 0;
  int64_t capacity_ = 0;
  std::vector<JsonColumn*> columns_;
};

/// A place in a JsonColumn of lists or maps.
struct JsonRange {
  int32_t begin;
  int32_t size;
};

/// The fields an object is expected to have, in that order, since documents tend to be
/// alike.
struct JsonLayout {
  static constexpr size_t kMaxText = 32;
  static constexpr size_t kMaxFields = 256;
  struct Field {
    char text[kMaxText] = {};      // "name": with its quotes and colon
    uint32_t size = 0;             // 0: of a name that cannot be expected
    JsonColumn* column = nullptr;  // none: not wanted
  };
  std::vector<Field> fields;
};

class JsonColumn {
 public:
  enum class Kind : uint8_t {
    kBoolean,
    kByte,
    kShort,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kDecimal,
    kString,
    kBinary,
    kDate,
    kTimestamp,
    kTimestampNtz,
    kNull,
    kStruct,
    kArray,
    kMap,
  };

  /// Columns for `type` in `slots`. `bytes` and `slots` must outlive it. Errors: a type
  /// JSON cannot give.
  static Result<std::unique_ptr<JsonColumn>> Make(data::TypePtr type, JsonSlots* slots,
                                                  JsonBytes* bytes);

  Kind kind() const { return kind_; }
  const data::TypePtr& type() const { return type_; }
  bool valid(int64_t slot) const { return valid_[slot] != 0; }

  void SetNull(int64_t slot);
  void SetValid(int64_t slot) { valid_[slot] = 1; }
  template <typename T>
  void Set(int64_t slot, T value) {
    std::memcpy(values_ + slot * int64_t{sizeof(T)}, &value, sizeof(T));
    valid_[slot] = 1;
  }
  /// A string that lies in the current document, which is at `offset` of buffer `buffer`
  /// (-1: in none), or one to be copied.
  void SetText(int64_t slot, std::string_view text, int32_t buffer, int64_t offset);
  void CopyText(int64_t slot, std::string_view text) { SetText(slot, text, -1, 0); }

  // Of arrays and maps: the slots of the elements, or of the entries.
  JsonSlots* elements() { return elements_.get(); }
  // Of structs the fields; of arrays the element; of maps key and value.
  const std::vector<std::unique_ptr<JsonColumn>>& children() const { return children_; }
  /// The field of a struct by its exact name, the last of that name; -1 if there is none.
  int FindField(std::string_view name) const;
  /// Makes FindField find no field of this name any more. Gives the number of the last
  /// one.
  int HideField(std::string_view name);

  /// Of structs: what the last object looked like.
  JsonLayout& layout() { return layout_; }

  /// What a slot holds, structs with their fields, to be put back later.
  struct Saved {
    uint8_t valid;
    uint8_t value[16];
  };
  void Save(int64_t slot, std::vector<Saved>* saved) const;
  void Restore(int64_t slot, const std::vector<Saved>& saved, size_t* next);
  /// Makes the fields of a struct null in a slot.
  void ClearFields(int64_t slot);

  /// An array of the first `slots` slots. Afterwards the column is empty.
  Result<data::ArrayPtr> Finish(int64_t slots);

  // For JsonSlots.
  void Resize(int64_t old_slots, int64_t slots);
  void Zero(int64_t begin, int64_t end);

 private:
  JsonColumn(data::TypePtr type, Kind kind, int width, JsonBytes* bytes);

  Result<std::shared_ptr<arrow::ArrayData>> FinishData(int64_t slots);
  Result<std::shared_ptr<arrow::ArrayData>> FinishRanges(int64_t slots);

  const data::TypePtr type_;
  const Kind kind_;
  const int width_;  // bytes of a value
  JsonBytes* const bytes_;
  bool uses_bytes_ = false;  // some view points into a buffer
  uint8_t* valid_ = nullptr;
  uint8_t* values_ = nullptr;
  std::shared_ptr<arrow::Buffer> valid_buffer_;  // one byte a slot
  std::shared_ptr<arrow::Buffer> values_buffer_;
  std::unique_ptr<JsonSlots> elements_;
  std::vector<std::unique_ptr<JsonColumn>> children_;
  std::vector<std::string> names_;
  std::vector<bool> hidden_;
  JsonLayout layout_;
  std::unordered_map<std::string_view, int> by_name_;  // only where there are many
};

}  // namespace millrace::expr
