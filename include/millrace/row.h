// Values and rows a query gives back. Spark: Row.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace millrace {

/// Days since 1970-01-01.
struct Date {
  int32_t days = 0;
  auto operator<=>(const Date&) const = default;
};
/// Microseconds since 1970-01-01T00:00:00, UTC (or of no zone for timestamp_ntz).
struct Timestamp {
  int64_t micros = 0;
  auto operator<=>(const Timestamp&) const = default;
};
/// A decimal number as text, all its digits kept: "12.50".
struct Decimal {
  std::string text;
  auto operator<=>(const Decimal&) const = default;
};
struct Binary {
  std::string bytes;
  auto operator<=>(const Binary&) const = default;
};
/// An interval day to second, in microseconds.
struct Duration {
  int64_t micros = 0;
  auto operator<=>(const Duration&) const = default;
};

class Row;
class Value;
using ArrayValue = std::vector<Value>;
using MapValue = std::vector<std::pair<Value, Value>>;

/// One value. Integers of all widths are int64_t, float and double are double.
class Value {
 public:
  using Storage =
      std::variant<std::monostate, bool, int64_t, double, std::string, Binary, Date,
                   Timestamp, Decimal, Duration, std::shared_ptr<const Row>,
                   std::shared_ptr<const ArrayValue>, std::shared_ptr<const MapValue>>;

  Value() = default;
  Value(Storage storage) : storage_(std::move(storage)) {}  // NOLINT: implicit

  bool is_null() const { return std::holds_alternative<std::monostate>(storage_); }
  /// Null unless the value is of type T.
  template <typename T>
  const T* As() const {
    return std::get_if<T>(&storage_);
  }
  const Storage& storage() const { return storage_; }

 private:
  Storage storage_;
};

/// One row: its columns' values, in order, under their names.
class Row {
 public:
  Row(std::shared_ptr<const std::vector<std::string>> names, std::vector<Value> values)
      : names_(std::move(names)), values_(std::move(values)) {}

  size_t size() const { return values_.size(); }
  const Value& operator[](size_t index) const { return values_[index]; }
  /// By name, exactly; null where there is no such column.
  const Value* Find(const std::string& name) const;
  const std::vector<std::string>& names() const { return *names_; }

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
  std::vector<Value> values_;
};

}  // namespace millrace
