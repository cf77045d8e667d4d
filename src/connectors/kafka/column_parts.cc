#include "connectors/kafka/column_parts.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::connectors::kafka {
namespace {

using View = arrow::BinaryViewType::c_type;
using BufferPtr = std::shared_ptr<arrow::Buffer>;

// A view of bytes that are held inline or lie at `offset` of buffer `index`.
View MakeView(const Piece& piece, int32_t index, int64_t offset) {
  View view{};
  const auto size = static_cast<int32_t>(piece.size);
  if (size <= arrow::BinaryViewType::kInlineSize) {
    view.inlined = {size, {}};
    if (size > 0) std::memcpy(view.inlined.data.data(), piece.data, piece.size);
  } else {
    view.ref = {size, {}, index, static_cast<int32_t>(offset)};
    std::memcpy(view.ref.prefix.data(), piece.data, view.ref.prefix.size());
  }
  return view;
}

bool IsInline(const Piece& piece) {
  return piece.size <= arrow::BinaryViewType::kInlineSize;
}

// Bits that are false.
Result<BufferPtr> AllocateBits(int64_t length) {
  MILLRACE_ASSIGN_OR_RETURN(BufferPtr bits,
                            AllocateBytes(arrow::bit_util::BytesForBits(length)));
  std::memset(bits->mutable_data(), 0, static_cast<size_t>(bits->size()));
  return bits;
}

// Buffers for pieces that are not held inline, each of at most 2 GB: a view addresses its
// bytes with 32 bits.
Result<std::vector<BufferPtr>> AllocateFor(const std::vector<Piece>& pieces) {
  constexpr int64_t kMostBytes = std::numeric_limits<int32_t>::max() - kReadAhead;
  std::vector<int64_t> sizes = {0};
  for (const Piece& piece : pieces) {
    if (piece.data == nullptr || IsInline(piece)) continue;
    const auto size = static_cast<int64_t>(piece.size);
    if (sizes.back() + size > kMostBytes) sizes.push_back(0);
    sizes.back() += size;
  }
  std::vector<BufferPtr> buffers;
  for (const int64_t size : sizes) {
    if (size == 0) break;
    MILLRACE_ASSIGN_OR_RETURN(BufferPtr buffer, AllocateBytes(size + kReadAhead));
    std::memset(buffer->mutable_data() + size, 0, kReadAhead);
    buffers.push_back(std::move(buffer));
  }
  return buffers;
}

}  // namespace

data::SchemaPtr KafkaSchema(bool include_headers) {
  arrow::FieldVector fields = {
      arrow::field("key", data::BinaryType()),
      arrow::field("value", data::BinaryType()),
      arrow::field("topic", data::StringType()),
      arrow::field("partition", data::IntType()),
      arrow::field("offset", data::LongType()),
      arrow::field("timestamp", data::TimestampType()),
      arrow::field("timestampType", data::IntType()),
  };
  if (include_headers) {
    fields.push_back(arrow::field(
        "headers",
        data::ArrayOf(arrow::struct_({arrow::field("key", data::StringType()),
                                      arrow::field("value", data::BinaryType())}))));
  }
  return arrow::schema(std::move(fields));
}

Result<BufferPtr> AllocateBytes(int64_t size) {
  auto buffer = arrow::AllocateBuffer(size);
  if (!buffer.ok()) {
    return ExternalError("There is no memory for {} bytes of Kafka messages: {}", size,
                         buffer.status().message());
  }
  return BufferPtr(std::move(buffer).ValueUnsafe());
}

Result<ColumnData> CopiedViews(const data::TypePtr& type,
                               const std::vector<Piece>& pieces) {
  const auto length = static_cast<int64_t>(pieces.size());
  const int64_t nulls =
      std::ranges::count(pieces, static_cast<const void*>(nullptr), &Piece::data);
  MILLRACE_ASSIGN_OR_RETURN(std::vector<BufferPtr> bytes, AllocateFor(pieces));
  std::vector<BufferPtr> buffers(2);
  if (nulls > 0) {
    MILLRACE_ASSIGN_OR_RETURN(buffers[0], AllocateBits(length));
  }
  MILLRACE_ASSIGN_OR_RETURN(buffers[1],
                            AllocateBytes(length * static_cast<int64_t>(sizeof(View))));
  View* view = reinterpret_cast<View*>(buffers[1]->mutable_data());
  size_t index = 0;
  int64_t offset = 0;
  for (int64_t i = 0; i < length; ++i) {
    const Piece& piece = pieces[static_cast<size_t>(i)];
    const auto size = static_cast<int64_t>(piece.size);
    if (piece.data == nullptr) {
      *view++ = View{};
      continue;
    }
    if (nulls > 0) arrow::bit_util::SetBit(buffers[0]->mutable_data(), i);
    if (!IsInline(piece)) {
      if (offset + size > bytes[index]->size() - kReadAhead) {
        ++index;
        offset = 0;
      }
      std::memcpy(bytes[index]->mutable_data() + offset, piece.data, piece.size);
    }
    *view++ = MakeView(piece, static_cast<int32_t>(index), offset);
    if (!IsInline(piece)) offset += size;
  }
  buffers.insert(buffers.end(), bytes.begin(), bytes.end());
  return arrow::ArrayData::Make(type, length, std::move(buffers), nulls);
}

Result<ColumnData> ConstantText(const data::TypePtr& type, int64_t length,
                                const std::string& text) {
  const std::vector<Piece> one = {{text.data(), text.size()}};
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<BufferPtr> bytes, AllocateFor(one));
  std::vector<BufferPtr> buffers(2);
  MILLRACE_ASSIGN_OR_RETURN(buffers[1],
                            AllocateBytes(length * static_cast<int64_t>(sizeof(View))));
  std::fill_n(reinterpret_cast<View*>(buffers[1]->mutable_data()), length,
              MakeView(one[0], 0, 0));
  if (!bytes.empty()) std::memcpy(bytes[0]->mutable_data(), text.data(), text.size());
  buffers.insert(buffers.end(), bytes.begin(), bytes.end());
  return arrow::ArrayData::Make(type, length, std::move(buffers), 0);
}

Result<ColumnData> HeaderColumn(const data::TypePtr& type,
                                const MessageHeaders& headers) {
  const auto& element = static_cast<const arrow::ListType&>(*type).value_type();
  MILLRACE_ASSIGN_OR_RETURN(ColumnData keys,
                            CopiedViews(element->field(0)->type(), headers.keys));
  MILLRACE_ASSIGN_OR_RETURN(ColumnData values,
                            CopiedViews(element->field(1)->type(), headers.values));
  ColumnData structs =
      arrow::ArrayData::Make(element, static_cast<int64_t>(headers.keys.size()),
                             {nullptr}, {std::move(keys), std::move(values)}, 0);

  const auto length = static_cast<int64_t>(headers.ends.size());
  MILLRACE_ASSIGN_OR_RETURN(BufferPtr bits, AllocateBits(length));
  MILLRACE_ASSIGN_OR_RETURN(
      BufferPtr starts,
      AllocateBytes((length + 1) * static_cast<int64_t>(sizeof(int32_t))));
  auto* start = reinterpret_cast<int32_t*>(starts->mutable_data());
  int64_t nulls = 0;
  *start = 0;
  for (int64_t i = 0; i < length; ++i, ++start) {
    start[1] = headers.ends[static_cast<size_t>(i)];
    if (start[1] > start[0]) {
      arrow::bit_util::SetBit(bits->mutable_data(), i);
    } else {
      ++nulls;
    }
  }
  return arrow::ArrayData::Make(type, length, {std::move(bits), std::move(starts)},
                                {std::move(structs)}, nulls);
}

Error MalformedTimestamp(const TopicPartition& partition, int64_t offset,
                         int64_t millis) {
  return Error(Fault::kData,
               "Record at topic {} partition {} offset {} has timestamp value {} that "
               "overflows when converting to Spark's microsecond-precision "
               "TimestampType.\n"
               "Kafka record timestamps must be in milliseconds since epoch per the "
               "Kafka protocol. The provided value suggests the producer may be writing "
               "timestamps in microseconds or nanoseconds instead.\nEnsure the Kafka "
               "producer sets the ProducerRecord timestamp in milliseconds.",
               partition.topic, partition.partition, offset, millis)
      .Class("KAFKA_MALFORMED_RECORD_TIMESTAMP", "22008")
      .Java("org.apache.spark.sql.kafka010.KafkaIllegalStateException");
}

}  // namespace millrace::connectors::kafka
