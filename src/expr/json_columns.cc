#include "expr/json_columns.h"

#include <algorithm>
#include <new>

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/binary_view_util.h>

#include "base/error.h"
#include "data/types.h"

namespace millrace::expr {
namespace {

constexpr int64_t kFirstChunk = 64 << 10;
constexpr int64_t kLargestChunk = 4 << 20;
constexpr size_t kManyFields = 8;

using View = arrow::BinaryViewType::c_type;

std::shared_ptr<arrow::Buffer> Allocate(int64_t bytes) {
  auto buffer = arrow::AllocateBuffer(bytes);
  if (!buffer.ok()) throw std::bad_alloc();
  return std::move(buffer).ValueUnsafe();
}

// Bytes that are 0 or 1 as bits.
std::shared_ptr<arrow::Buffer> PackBits(const uint8_t* bytes, int64_t count) {
  std::shared_ptr<arrow::Buffer> bits = Allocate((count + 7) / 8);
  uint8_t* out = bits->mutable_data();
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes + i, 8);
    *out++ = static_cast<uint8_t>((eight * 0x0102040810204080ULL) >> 56);
  }
  if (i < count) {
    uint8_t last = 0;
    for (int bit = 0; i < count; ++i, ++bit) {
      last = static_cast<uint8_t>(last | bytes[i] << bit);
    }
    *out = last;
  }
  return bits;
}

// Copies up to 12 bytes. A call of memcpy costs more than these.
inline void CopyInline(const char* from, size_t size, uint8_t* to) {
  if (size >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else if (size >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else {
    for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(from[i]);
  }
}

struct KindAndWidth {
  JsonColumn::Kind kind;
  int width;
};

Result<KindAndWidth> KindOf(const arrow::DataType& type) {
  using Kind = JsonColumn::Kind;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return KindAndWidth{Kind::kBoolean, 1};
    case arrow::Type::INT8:
      return KindAndWidth{Kind::kByte, 1};
    case arrow::Type::INT16:
      return KindAndWidth{Kind::kShort, 2};
    case arrow::Type::INT32:
      return KindAndWidth{Kind::kInt, 4};
    case arrow::Type::INT64:
      return KindAndWidth{Kind::kLong, 8};
    case arrow::Type::FLOAT:
      return KindAndWidth{Kind::kFloat, 4};
    case arrow::Type::DOUBLE:
      return KindAndWidth{Kind::kDouble, 8};
    case arrow::Type::DECIMAL128:
      return KindAndWidth{Kind::kDecimal, 16};
    case arrow::Type::STRING_VIEW:
      return KindAndWidth{Kind::kString, 16};
    case arrow::Type::BINARY_VIEW:
      return KindAndWidth{Kind::kBinary, 16};
    case arrow::Type::DATE32:
      return KindAndWidth{Kind::kDate, 4};
    case arrow::Type::TIMESTAMP:
      return KindAndWidth{
          data::IsTimestamp(type) ? Kind::kTimestamp : Kind::kTimestampNtz, 8};
    case arrow::Type::NA:
      return KindAndWidth{Kind::kNull, 0};
    case arrow::Type::STRUCT:
      return KindAndWidth{Kind::kStruct, 0};
    case arrow::Type::LIST:
      return KindAndWidth{Kind::kArray, int{sizeof(JsonRange)}};
    case arrow::Type::MAP:
      return KindAndWidth{Kind::kMap, int{sizeof(JsonRange)}};
    default:
      return UnsupportedError("JSON cannot be read into values of type {} here.",
                              data::SqlTypeName(type));
  }
}

}  // namespace

void JsonBytes::Reset(std::vector<std::shared_ptr<arrow::Buffer>> buffers) {
  buffers_ = std::move(buffers);
  chunk_ = nullptr;
  used_ = 0;
  capacity_ = 0;
}

const char* JsonBytes::Copy(std::string_view text, int32_t* buffer, int32_t* offset) {
  const int64_t size = static_cast<int64_t>(text.size());
  if (capacity_ - used_ < size) {
    capacity_ = std::max(size, std::clamp(2 * capacity_, kFirstChunk, kLargestChunk));
    buffers_.push_back(Allocate(capacity_));
    chunk_ = buffers_.back()->mutable_data();
    used_ = 0;
  }
  std::memcpy(chunk_ + used_, text.data(), text.size());
  *buffer = static_cast<int32_t>(buffers_.size()) - 1;
  *offset = static_cast<int32_t>(used_);
  used_ += size;
  return reinterpret_cast<const char*>(chunk_ + *offset);
}

void JsonSlots::Reserve(int64_t slots) {
  if (slots <= capacity_) return;
  for (JsonColumn* column : columns_) column->Resize(size_, slots);
  capacity_ = slots;
}

void JsonSlots::Truncate(int64_t size) {
  for (JsonColumn* column : columns_) column->Zero(size, size_);
  size_ = size;
}

JsonColumn::JsonColumn(data::TypePtr type, Kind kind, int width, JsonBytes* bytes)
    : type_(std::move(type)), kind_(kind), width_(width), bytes_(bytes) {}

Result<std::unique_ptr<JsonColumn>> JsonColumn::Make(data::TypePtr type, JsonSlots* slots,
                                                     JsonBytes* bytes) {
  MILLRACE_ASSIGN_OR_RETURN(const KindAndWidth shape, KindOf(*type));
  std::unique_ptr<JsonColumn> column(
      new JsonColumn(type, shape.kind, shape.width, bytes));
  slots->Attach(column.get());
  const auto add_child = [&](const data::TypePtr& child, JsonSlots* of) -> Status {
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<JsonColumn> made, Make(child, of, bytes));
    column->children_.push_back(std::move(made));
    return Status::OK();
  };
  switch (shape.kind) {
    case Kind::kStruct:
      for (const data::FieldPtr& field : type->fields()) {
        MILLRACE_RETURN_IF_ERROR(add_child(field->type(), slots));
        column->names_.push_back(field->name());
      }
      column->hidden_.resize(column->names_.size());
      if (column->names_.size() > kManyFields) {
        for (size_t i = 0; i < column->names_.size(); ++i) {
          column->by_name_.insert_or_assign(column->names_[i], static_cast<int>(i));
        }
      }
      break;
    case Kind::kArray:
      column->elements_ = std::make_unique<JsonSlots>();
      MILLRACE_RETURN_IF_ERROR(
          add_child(type->field(0)->type(), column->elements_.get()));
      break;
    case Kind::kMap: {
      const auto& map = static_cast<const arrow::MapType&>(*type);
      if (!data::IsString(*map.key_type())) {
        return AnalysisError(
            "DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE", "42K09",
            "Input schema \"{}\" can only contain STRING as a key type for "
            "a MAP.",
            data::SqlTypeName(*type));
      }
      column->elements_ = std::make_unique<JsonSlots>();
      MILLRACE_RETURN_IF_ERROR(add_child(map.key_type(), column->elements_.get()));
      MILLRACE_RETURN_IF_ERROR(add_child(map.item_type(), column->elements_.get()));
      break;
    }
    default:
      break;
  }
  return column;
}

int JsonColumn::FindField(std::string_view name) const {
  if (!by_name_.empty()) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? -1 : found->second;
  }
  for (int i = static_cast<int>(names_.size()) - 1; i >= 0; --i) {
    const size_t at = static_cast<size_t>(i);
    if (names_[at] == name && !hidden_[at]) return i;
  }
  return -1;
}

int JsonColumn::HideField(std::string_view name) {
  int last = -1;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] != name) continue;
    hidden_[i] = true;
    last = static_cast<int>(i);
  }
  by_name_.erase(name);
  return last;
}

void JsonColumn::SetNull(int64_t slot) {
  if (kind_ == Kind::kStruct && valid(slot)) ClearFields(slot);
  valid_[slot] = 0;
}

void JsonColumn::ClearFields(int64_t slot) {
  for (const auto& child : children_) child->SetNull(slot);
}

void JsonColumn::SetText(int64_t slot, std::string_view text, int32_t buffer,
                         int64_t offset) {
  View view{};
  const int32_t size = static_cast<int32_t>(text.size());
  view.inlined.size = size;
  if (size <= arrow::BinaryViewType::kInlineSize) {
    CopyInline(text.data(), text.size(), view.inlined.data.data());
  } else {
    view.ref.size = size;
    std::memcpy(view.ref.prefix.data(), text.data(), view.ref.prefix.size());
    if (buffer >= 0) {
      view.ref.buffer_index = buffer;
      view.ref.offset = static_cast<int32_t>(offset);
    } else {
      bytes_->Copy(text, &view.ref.buffer_index, &view.ref.offset);
    }
    uses_bytes_ = true;
  }
  std::memcpy(values_ + slot * int64_t{sizeof(View)}, &view, sizeof(View));
  valid_[slot] = 1;
}

void JsonColumn::Save(int64_t slot, std::vector<Saved>* saved) const {
  Saved value{};
  value.valid = valid_[slot];
  if (width_ > 0) {
    std::memcpy(value.value, values_ + slot * width_, static_cast<size_t>(width_));
  }
  saved->push_back(value);
  if (kind_ == Kind::kStruct) {
    for (const auto& child : children_) child->Save(slot, saved);
  }
}

void JsonColumn::Restore(int64_t slot, const std::vector<Saved>& saved, size_t* next) {
  const Saved& value = saved[(*next)++];
  valid_[slot] = value.valid;
  if (width_ > 0) {
    std::memcpy(values_ + slot * width_, value.value, static_cast<size_t>(width_));
  }
  if (kind_ == Kind::kStruct) {
    for (const auto& child : children_) child->Restore(slot, saved, next);
  }
}

void JsonColumn::Resize(int64_t old_slots, int64_t slots) {
  const auto grow = [&](std::shared_ptr<arrow::Buffer>* buffer, int64_t width) {
    std::shared_ptr<arrow::Buffer> bigger = Allocate(slots * width);
    uint8_t* const data = bigger->mutable_data();
    if (*buffer != nullptr) {
      std::memcpy(data, (*buffer)->data(), static_cast<size_t>(old_slots * width));
    }
    std::memset(data + old_slots * width, 0,
                static_cast<size_t>((slots - old_slots) * width));
    *buffer = std::move(bigger);
    return data;
  };
  valid_ = grow(&valid_buffer_, 1);
  if (width_ > 0) values_ = grow(&values_buffer_, width_);
}

void JsonColumn::Zero(int64_t begin, int64_t end) {
  if (begin >= end) return;
  std::memset(valid_ + begin, 0, static_cast<size_t>(end - begin));
  if (width_ > 0) {
    std::memset(values_ + begin * width_, 0, static_cast<size_t>((end - begin) * width_));
  }
}

Result<data::ArrayPtr> JsonColumn::Finish(int64_t slots) {
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::ArrayData> finished,
                            FinishData(slots));
  return arrow::MakeArray(finished);
}

Result<std::shared_ptr<arrow::ArrayData>> JsonColumn::FinishData(int64_t slots) {
  if (valid_ == nullptr) Resize(0, std::max<int64_t>(slots, 1));
  if (kind_ == Kind::kNull) {
    valid_buffer_ = nullptr;
    valid_ = nullptr;
    return arrow::ArrayData::Make(type_, slots, {nullptr}, slots);
  }
  const int64_t nulls = std::count(valid_, valid_ + slots, uint8_t{0});
  std::shared_ptr<arrow::Buffer> validity;
  if (nulls > 0) validity = PackBits(valid_, slots);

  std::shared_ptr<arrow::ArrayData> finished;
  switch (kind_) {
    case Kind::kBoolean:
      finished =
          arrow::ArrayData::Make(type_, slots, {nullptr, PackBits(values_, slots)});
      break;
    case Kind::kString:
    case Kind::kBinary: {
      std::vector<std::shared_ptr<arrow::Buffer>> buffers = {nullptr, values_buffer_};
      if (uses_bytes_) {
        buffers.insert(buffers.end(), bytes_->buffers().begin(), bytes_->buffers().end());
      }
      finished = arrow::ArrayData::Make(type_, slots, std::move(buffers));
      break;
    }
    case Kind::kStruct: {
      finished = arrow::ArrayData::Make(type_, slots, {nullptr});
      for (const auto& child : children_) {
        MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::ArrayData> field,
                                  child->FinishData(slots));
        finished->child_data.push_back(std::move(field));
      }
      break;
    }
    case Kind::kArray:
    case Kind::kMap: {
      MILLRACE_ASSIGN_OR_RETURN(finished, FinishRanges(slots));
      break;
    }
    default:
      finished = arrow::ArrayData::Make(type_, slots, {nullptr, values_buffer_});
  }
  finished->buffers[0] = std::move(validity);
  finished->null_count = nulls;
  valid_buffer_ = nullptr;
  values_buffer_ = nullptr;
  valid_ = nullptr;
  values_ = nullptr;
  uses_bytes_ = false;
  return finished;
}

// Ranges of elements as offsets. Elements that no range holds, of values that were given
// up or given twice, are left out.
Result<std::shared_ptr<arrow::ArrayData>> JsonColumn::FinishRanges(int64_t slots) {
  std::shared_ptr<arrow::Buffer> offsets =
      Allocate((slots + 1) * int64_t{sizeof(int32_t)});
  int32_t* const out = reinterpret_cast<int32_t*>(offsets->mutable_data());
  const JsonRange* const ranges = reinterpret_cast<const JsonRange*>(values_);
  bool in_place = true;
  int32_t total = 0;
  for (int64_t i = 0; i < slots; ++i) {
    out[i] = total;
    if (!valid(i)) continue;
    in_place &= ranges[i].begin == total || ranges[i].size == 0;
    total += ranges[i].size;
  }
  out[slots] = total;

  std::vector<int32_t> indices;
  if (!in_place) {
    indices.reserve(static_cast<size_t>(total));
    for (int64_t i = 0; i < slots; ++i) {
      if (!valid(i)) continue;
      for (int32_t j = 0; j < ranges[i].size; ++j) indices.push_back(ranges[i].begin + j);
    }
  }
  const int64_t count = elements_->size();
  elements_->Clear();
  std::vector<std::shared_ptr<arrow::ArrayData>> parts;
  for (const auto& child : children_) {
    MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::ArrayData> part,
                              child->FinishData(count));
    if (!in_place) {
      MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr taken,
                                data::Take(*arrow::MakeArray(part), indices));
      part = taken->data();
    } else if (total < count) {
      part = part->Slice(0, total);
    }
    parts.push_back(std::move(part));
  }
  if (kind_ == Kind::kMap) {
    parts = {arrow::ArrayData::Make(type_->field(0)->type(), total, {nullptr},
                                    std::move(parts), 0)};
  }
  return arrow::ArrayData::Make(type_, slots, {nullptr, std::move(offsets)},
                                std::move(parts));
}

}  // namespace millrace::expr
