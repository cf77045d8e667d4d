// Which types meet in which: Spark's AnsiTypeCoercion.
#include <arrow/type.h>

#include "base/ascii.h"
#include "expr/cast.h"
#include "expr/decimal.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using arrow::DataType;
using arrow::Type;
using data::TypePtr;

bool IsFloating(const DataType& type) {
  return type.id() == Type::FLOAT || type.id() == Type::DOUBLE;
}
bool IsDecimal(const DataType& type) { return type.id() == Type::DECIMAL128; }

bool IsDatetime(const DataType& type) {
  return type.id() == Type::DATE32 || type.id() == Type::TIMESTAMP;
}

bool IsNested(const DataType& type) {
  return type.id() == Type::LIST || type.id() == Type::MAP || type.id() == Type::STRUCT;
}

bool IsAtomic(const DataType& type) { return !IsNested(type) && type.id() != Type::NA; }

template <typename Names>
bool Matches(const DataType& a, const DataType& b, const Names& same_name) {
  if (a.id() != b.id()) return false;
  if (!IsNested(a)) return a.Equals(b);
  if (a.num_fields() != b.num_fields()) return false;
  for (int i = 0; i < a.num_fields(); ++i) {
    if (a.id() == Type::STRUCT && !same_name(a.field(i)->name(), b.field(i)->name())) {
      return false;
    }
    if (!Matches(*a.field(i)->type(), *b.field(i)->type(), same_name)) return false;
  }
  return true;
}

// Numbers of different types: the wider integer, or double where a float meets another
// type.
TypePtr WiderNumber(const TypePtr& a, const TypePtr& b) {
  if (IsFloating(*a) || IsFloating(*b)) return data::DoubleType();
  if (IsDecimal(*a) || IsDecimal(*b)) {
    return WiderDecimal(DecimalShape::OfNumber(*a), DecimalShape::OfNumber(*b)).type();
  }
  return a->bit_width() >= b->bit_width() ? a : b;
}

TypePtr WiderDatetime(const TypePtr& a, const TypePtr& b) {
  if (data::IsTimestamp(*a) || data::IsTimestamp(*b)) return data::TimestampType();
  return data::TimestampNtzType();
}

// A string meets something else: it is parsed as that, widely.
TypePtr ParsedAs(const TypePtr& other) {
  if (data::IsInteger(*other)) return data::LongType();
  if (data::IsNumeric(*other)) return data::DoubleType();
  if (IsAtomic(*other)) return other;
  return nullptr;
}

// Where strings are parsed to meet another type.
enum class Strings {
  kParsed,          // wherever they stand
  kParsedOnTheTop,  // but not inside arrays, maps and structs
  kNeverParsed,
};

TypePtr Widest(const TypePtr& a, const TypePtr& b, Strings strings);

TypePtr WiderNested(const DataType& a, const DataType& b, Strings strings) {
  if (a.id() != b.id() || a.num_fields() != b.num_fields()) return nullptr;
  if (a.id() == Type::MAP) {
    const auto& left = static_cast<const arrow::MapType&>(a);
    const auto& right = static_cast<const arrow::MapType&>(b);
    const TypePtr key = Widest(left.key_type(), right.key_type(), strings);
    const TypePtr item = Widest(left.item_type(), right.item_type(), strings);
    if (key == nullptr || item == nullptr) return nullptr;
    return data::MapOf(key, item,
                       left.item_field()->nullable() || right.item_field()->nullable());
  }
  arrow::FieldVector fields;
  for (int i = 0; i < a.num_fields(); ++i) {
    const arrow::Field& left = *a.field(i);
    const arrow::Field& right = *b.field(i);
    const TypePtr type = Widest(left.type(), right.type(), strings);
    if (type == nullptr) return nullptr;
    const bool nullable = left.nullable() || right.nullable();
    if (a.id() == Type::LIST) return data::ArrayOf(type, nullable);
    if (!EqualsIgnoreCase(left.name(), right.name())) return nullptr;
    fields.push_back(arrow::field(left.name(), type, nullable));
  }
  return arrow::struct_(std::move(fields));
}

// Nothing (null) where there is no common type.
TypePtr Widest(const TypePtr& a, const TypePtr& b, Strings strings) {
  if (a->Equals(*b)) return a;
  if (a->id() == Type::NA) return b;
  if (b->id() == Type::NA) return a;
  if (data::IsNumeric(*a) && data::IsNumeric(*b)) return WiderNumber(a, b);
  if (IsDatetime(*a) && IsDatetime(*b)) return WiderDatetime(a, b);
  if (data::IsString(*a) || data::IsString(*b)) {
    if (strings == Strings::kNeverParsed) return nullptr;
    return ParsedAs(data::IsString(*a) ? b : a);
  }
  if (!IsNested(*a)) return nullptr;
  return WiderNested(*a, *b,
                     strings == Strings::kParsed ? strings : Strings::kNeverParsed);
}

// Spark's canANSIStoreAssign, with strings parsed as any atomic type.
bool CanCastImplicitly(const DataType& from, const DataType& to) {
  if (SameType(from, to) || from.id() == Type::NA) return true;
  if (data::IsNumeric(from) && data::IsNumeric(to)) return true;
  if (IsAtomic(from) && data::IsString(to)) return true;
  if (data::IsString(from) && IsAtomic(to)) return true;
  if (IsDatetime(from) && IsDatetime(to)) return true;
  if (!IsNested(from) || from.id() != to.id() || from.num_fields() != to.num_fields()) {
    return false;
  }
  for (int i = 0; i < from.num_fields(); ++i) {
    const arrow::Field& source = *from.field(i);
    const arrow::Field& target = *to.field(i);
    if (source.nullable() && !target.nullable()) return false;
    // Strings inside are not parsed, as Spark refuses that.
    if (data::IsString(*source.type()) && !data::IsString(*target.type())) return false;
    if (!CanCastImplicitly(*source.type(), *target.type())) return false;
  }
  return true;
}

}  // namespace

bool SameType(const DataType& a, const DataType& b) {
  return Matches(a, b, [](std::string_view left, std::string_view right) {
    return EqualsIgnoreCase(left, right);
  });
}

bool SameStructure(const DataType& a, const DataType& b) {
  return Matches(a, b, [](std::string_view, std::string_view) { return true; });
}

bool IsOrderable(const DataType& type) {
  if (type.id() == Type::MAP) return false;
  for (const auto& field : type.fields()) {
    if (!IsOrderable(*field->type())) return false;
  }
  return true;
}

std::optional<TypePtr> WidestType(const TypePtr& a, const TypePtr& b) {
  TypePtr type = Widest(a, b, Strings::kParsed);
  if (type == nullptr) return std::nullopt;
  return type;
}

std::optional<TypePtr> CommonType(const ExprPtr& a, const ExprPtr& b) {
  TypePtr type = Widest(a->type(), b->type(), Strings::kParsedOnTheTop);
  if (type == nullptr) return std::nullopt;
  return type;
}

std::optional<ExprPtr> ImplicitCast(const ExprPtr& input, const TypePtr& to) {
  if (!CanCastImplicitly(*input->type(), *to)) return std::nullopt;
  Result<ExprPtr> cast = MakeCast(input, to);
  if (!cast.ok()) return std::nullopt;
  return std::move(cast).value();
}

}  // namespace millrace::expr
