// The primitive types of Kafka's protocol: big-endian numbers, texts and arrays, the
// latter two in a compact form in the "flexible" versions of a request (KIP-482).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace millrace::connectors::kafka::fetch {

using Bytes = std::span<const uint8_t>;

template <typename T>
T BigEndian(T value) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
  return value;
}

/// Reads a big-endian number where there is one for sure.
template <typename T>
T Load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return BigEndian(value);
}

/// Appends what a request consists of.
class WireWriter {
 public:
  explicit WireWriter(bool flexible = false) : flexible_(flexible) {}

  template <typename T>
  void Number(T value) {
    value = BigEndian(value);
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Unsigned(uint32_t value);  // a varint without zigzag
  void String(std::string_view value);
  /// The length of an array, whose elements follow.
  void Array(size_t length);
  /// The end of a structure in flexible versions: no tagged fields.
  void Tags() {
    if (flexible_) Unsigned(0);
  }
  void Raw(std::string_view bytes) { text_.append(bytes); }

  std::string Take() { return std::move(text_); }

 private:
  const bool flexible_;
  std::string text_;
};

/// Reads what an answer consists of. Nothing is read beyond its end: from the first field
/// that is not there, everything is zero or empty and ok() is false.
class WireReader {
 public:
  explicit WireReader(Bytes bytes, bool flexible = false)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), flexible_(flexible) {}

  bool ok() const { return ok_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  template <typename T>
  T Number() {
    if (!Has(sizeof(T))) return 0;
    const T value = Load<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  uint32_t Unsigned();
  /// Points into the answer. A null text is empty.
  std::string_view String();
  /// Points into the answer. Null is empty. Lengths of 32 bits in all inflexible
  /// versions.
  Bytes Blob();
  /// The length of an array whose elements take at least `least` bytes each, so that it
  /// is never more than the answer can hold. A null array is empty.
  size_t Array(size_t least);
  void Tags();

 private:
  bool Has(size_t count) {
    ok_ = ok_ && left() >= count;
    return ok_;
  }
  Bytes Take(int64_t count);

  const uint8_t* at_;
  const uint8_t* const end_;
  const bool flexible_;
  bool ok_ = true;
};

}  // namespace millrace::connectors::kafka::fetch
