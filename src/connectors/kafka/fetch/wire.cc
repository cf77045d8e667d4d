#include "connectors/kafka/fetch/wire.h"

namespace millrace::connectors::kafka::fetch {

void WireWriter::Unsigned(uint32_t value) {
  for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
  text_ += static_cast<char>(value);
}

void WireWriter::String(std::string_view value) {
  if (flexible_) {
    Unsigned(static_cast<uint32_t>(value.size() + 1));
  } else {
    Number(static_cast<int16_t>(value.size()));
  }
  text_ += value;
}

void WireWriter::Array(size_t length) {
  if (flexible_) {
    Unsigned(static_cast<uint32_t>(length + 1));
  } else {
    Number(static_cast<int32_t>(length));
  }
}

uint32_t WireReader::Unsigned() {
  uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const auto byte = Number<uint8_t>();
    value |= static_cast<uint32_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  ok_ = false;
  return 0;
}

Bytes WireReader::Take(int64_t count) {
  if (count <= 0) return {};
  if (!Has(static_cast<size_t>(count))) return {};
  const Bytes bytes(at_, static_cast<size_t>(count));
  at_ += count;
  return bytes;
}

std::string_view WireReader::String() {
  const int64_t length = flexible_ ? int64_t{Unsigned()} - 1 : Number<int16_t>();
  const Bytes bytes = Take(length);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes WireReader::Blob() {
  return Take(flexible_ ? int64_t{Unsigned()} - 1 : Number<int32_t>());
}

size_t WireReader::Array(size_t least) {
  const int64_t length = flexible_ ? int64_t{Unsigned()} - 1 : Number<int32_t>();
  if (length <= 0) return 0;
  if (!Has(static_cast<size_t>(length) * least)) return 0;
  return static_cast<size_t>(length);
}

void WireReader::Tags() {
  if (!flexible_) return;
  for (uint32_t count = Unsigned(); count > 0 && ok_; --count) {
    Unsigned();
    Take(Unsigned());
  }
}

}  // namespace millrace::connectors::kafka::fetch
