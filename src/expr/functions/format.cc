// format_string and format_number: values as text the way java.util.Formatter and
// java.text.DecimalFormat write them in English.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <variant>

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "base/error.h"
#include "data/show.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/decimal.h"
#include "expr/functions/rounding.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/functions/utf8.h"
#include "expr/functions/value_hash.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using arrow::Decimal128;
using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

// Puts a comma between groups of `size` digits.
std::string Grouped(Text digits, size_t size = 3) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % size == 0) out.push_back(',');
    out.push_back(digits[i]);
  }
  return out;
}

// --- format_string

Status FormatError(std::string message) {
  return Error(Fault::kUser, "{}", message).Java(kIllegalArgumentException);
}

// %[index$][flags][width][.precision]conversion
struct Directive {
  Text text;
  int index = 0;  // 0: the next argument
  bool left = false;
  bool zero = false;
  bool plus = false;
  bool space = false;
  bool group = false;
  bool parentheses = false;
  bool alternate = false;
  int width = -1;
  int precision = -1;
  char conversion = 0;
};

int ReadNumber(Text text, size_t* at) {
  int number = 0;
  while (*at < text.size() && text[*at] >= '0' && text[*at] <= '9' &&
         number < 100'000'000) {
    number = number * 10 + (text[(*at)++] - '0');
  }
  return number;
}

Result<Directive> ReadDirective(Text format, size_t* at) {
  const size_t begin = *at;
  Directive out;
  ++*at;
  size_t probe = *at;
  const int index = ReadNumber(format, &probe);
  if (index > 0 && probe < format.size() && format[probe] == '$') {
    out.index = index;
    *at = probe + 1;
  }
  for (bool more = true; more && *at < format.size();) {
    switch (format[*at]) {
      case '-':
        out.left = true;
        break;
      case '0':
        out.zero = true;
        break;
      case '+':
        out.plus = true;
        break;
      case ' ':
        out.space = true;
        break;
      case ',':
        out.group = true;
        break;
      case '(':
        out.parentheses = true;
        break;
      case '#':
        out.alternate = true;
        break;
      default:
        more = false;
    }
    if (more) ++*at;
  }
  if (*at < format.size() && format[*at] >= '1' && format[*at] <= '9') {
    out.width = ReadNumber(format, at);
  }
  if (*at < format.size() && format[*at] == '.') {
    ++*at;
    out.precision = ReadNumber(format, at);
  }
  if (*at >= format.size()) {
    return FormatError("Conversion = '%'");
  }
  out.conversion = format[(*at)++];
  out.text = format.substr(begin, *at - begin);
  return out;
}

// One argument of one row.
struct Null {};
using Argument = std::variant<Null, bool, int64_t, double, std::string>;

class FormatArgument {
 public:
  explicit FormatArgument(const Value& value) : value_(value), nulls_(value) {}

  Argument Read(int64_t row) const {
    if (nulls_.IsNull(row)) return Null();
    const arrow::Array& array = *value_.array;
    const int64_t index = value_.index(row);
    switch (array.type_id()) {
      case arrow::Type::BOOL:
        return Reader<bool>(array)[index];
      case arrow::Type::DOUBLE:
        return Reader<double>(array)[index];
      case arrow::Type::FLOAT:
        return static_cast<double>(Reader<float>(array)[index]);
      default:
        break;
    }
    Argument out;
    const bool number =
        VisitNumber(*array.type(), [&]<typename T>(std::type_identity<T>) {
          out = static_cast<int64_t>(Reader<T>(array)[index]);
        });
    if (number) return out;
    std::string text;
    data::AppendValue(array, index, "UTC", data::NullText::kCast, &text);
    return text;
  }

  // The number of bits of an integer: %x of a negative one shows so many.
  int bits() const {
    switch (value_.array->type_id()) {
      case arrow::Type::INT8:
        return 8;
      case arrow::Type::INT16:
        return 16;
      case arrow::Type::INT64:
      case arrow::Type::TIMESTAMP:
      case arrow::Type::DURATION:
        return 64;
      default:
        return 32;
    }
  }
  bool is_decimal() const { return value_.array->type_id() == arrow::Type::DECIMAL128; }
  bool is_float() const { return value_.array->type_id() == arrow::Type::FLOAT; }

 private:
  const Value value_;
  const NullReader nulls_;
};

// Digits of a magnitude with `precision` digits after the point, rounded half up.
std::string FixedText(double magnitude, int precision) {
  ShortestDecimal decimal(magnitude);
  decimal.KeepDigits(decimal.exponent + precision);
  std::string digits = decimal.digits;
  int exponent = decimal.digits.empty() ? 0 : decimal.exponent;
  if (exponent < 0) {
    digits.insert(0, static_cast<size_t>(-exponent), '0');
    exponent = 0;
  }
  digits.resize(static_cast<size_t>(std::max<int>(exponent + precision, 0)), '0');
  std::string text =
      exponent == 0 ? "0" : digits.substr(0, static_cast<size_t>(exponent));
  if (precision > 0) text += "." + digits.substr(static_cast<size_t>(exponent));
  return text;
}

std::string ScientificText(double magnitude, int precision) {
  ShortestDecimal decimal(magnitude);
  decimal.KeepDigits(precision + 1);
  std::string digits = decimal.digits;
  const int exponent = digits.empty() ? 0 : decimal.exponent - 1;
  digits.resize(static_cast<size_t>(precision) + 1, '0');
  std::string text = digits.substr(0, 1);
  if (precision > 0) text += "." + digits.substr(1);
  return text + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
}

void AppendPadded(std::string text, const Directive& directive, std::string* out) {
  const int64_t size = CountCharacters(text);
  const auto missing = static_cast<size_t>(std::max<int64_t>(directive.width - size, 0));
  if (!directive.left) out->append(missing, ' ');
  out->append(text);
  if (directive.left) out->append(missing, ' ');
}

// A number: sign, grouping and leading zeros around the digits.
void AppendNumber(bool negative, std::string digits, const Directive& d,
                  std::string* out) {
  if (d.group) {
    const size_t whole = std::min(digits.find('.'), digits.size());
    digits = Grouped(Text(digits).substr(0, whole)) + digits.substr(whole);
  }
  const bool brackets = negative && d.parentheses;
  std::string sign =
      negative ? (brackets ? "(" : "-") : (d.plus ? "+" : (d.space ? " " : ""));
  if (d.zero && d.width > 0) {
    const size_t taken = sign.size() + digits.size() + (brackets ? 1 : 0);
    if (taken < static_cast<size_t>(d.width)) {
      digits.insert(0, static_cast<size_t>(d.width) - taken, '0');
    }
  }
  AppendPadded(sign + digits + (brackets ? ")" : ""), d, out);
}

Status WrongArgument(const Directive& d, Text java_class) {
  return FormatError(fmt::format("{} != {}", d.conversion, java_class));
}

Text JavaClass(const FormatArgument& source, const Argument& argument) {
  if (source.is_decimal()) return "org.apache.spark.sql.types.Decimal";
  switch (argument.index()) {
    case 1:
      return "java.lang.Boolean";
    case 2:
      switch (source.bits()) {
        case 8:
          return "java.lang.Byte";
        case 16:
          return "java.lang.Short";
        case 32:
          return "java.lang.Integer";
        default:
          return "java.lang.Long";
      }
    case 3:
      return source.is_float() ? "java.lang.Float" : "java.lang.Double";
    default:
      return "org.apache.spark.unsafe.types.UTF8String";
  }
}

// What Java's hashCode() gives for an argument; Spark's texts hash their bytes by
// Murmur3.
uint32_t JavaHash(const FormatArgument& source, const Argument& argument) {
  const auto folded = [](uint64_t bits) {
    return static_cast<uint32_t>(bits ^ (bits >> 32));
  };
  if (const auto* boolean = std::get_if<bool>(&argument)) return *boolean ? 1231 : 1237;
  if (const auto* integer = std::get_if<int64_t>(&argument)) {
    const auto bits = static_cast<uint64_t>(*integer);
    return source.bits() == 64 ? folded(bits) : static_cast<uint32_t>(bits);
  }
  if (const auto* real = std::get_if<double>(&argument)) {
    return source.is_float() ? std::bit_cast<uint32_t>(static_cast<float>(*real))
                             : folded(std::bit_cast<uint64_t>(*real));
  }
  const ExprPtr text = MakeString(std::get<std::string>(argument));
  int64_t hash = kHashSeed;
  HashColumn(HashKind::kMurmur3, {static_cast<const Literal&>(*text).value(), true},
             {&hash, 1});
  return static_cast<uint32_t>(hash);
}

Status AppendArgument(const Directive& d, const FormatArgument& source,
                      const Argument& argument, std::string* out) {
  const bool null = std::holds_alternative<Null>(argument);
  const auto* integer = std::get_if<int64_t>(&argument);
  const auto* real = std::get_if<double>(&argument);
  const auto* text = std::get_if<std::string>(&argument);
  const char conversion = static_cast<char>(std::tolower(d.conversion));
  std::string shown;
  switch (conversion) {
    case 'b':
      shown = null ? "false" : "true";
      if (const auto* boolean = std::get_if<bool>(&argument))
        shown = *boolean ? "true" : "false";
      break;
    case 's':
      if (null) shown = "null";
      if (integer != nullptr) shown = std::to_string(*integer);
      if (text != nullptr) shown = *text;
      if (real != nullptr) {
        if (source.is_float()) {
          data::AppendFloat(static_cast<float>(*real), &shown);
        } else {
          data::AppendDouble(*real, &shown);
        }
      }
      if (const auto* boolean = std::get_if<bool>(&argument))
        shown = *boolean ? "true" : "false";
      if (d.precision >= 0) shown.resize(SkipCharacters(shown, 0, d.precision));
      break;
    case 'h':
      if (!null && source.is_decimal()) {
        return UnsupportedError(
            "The conversion %h of a decimal number is not supported yet.");
      }
      shown = null ? "null" : fmt::format("{:x}", JavaHash(source, argument));
      break;
    case 'c':
      if (null) {
        shown = "null";
      } else if (integer != nullptr) {
        AppendCodePoint(static_cast<char32_t>(*integer), &shown);
      } else {
        return WrongArgument(d, JavaClass(source, argument));
      }
      break;
    case 'd':
    case 'x':
    case 'o': {
      if (null) {
        shown = "null";
        break;
      }
      if (integer == nullptr) return WrongArgument(d, JavaClass(source, argument));
      if (conversion == 'd') {
        const auto magnitude = *integer < 0 ? -static_cast<uint64_t>(*integer)
                                            : static_cast<uint64_t>(*integer);
        AppendNumber(*integer < 0, std::to_string(magnitude), d, out);
        return Status::OK();
      }
      auto bits = static_cast<uint64_t>(*integer);
      if (source.bits() < 64) bits &= (uint64_t{1} << source.bits()) - 1;
      std::string digits =
          conversion == 'x' ? fmt::format("{:x}", bits) : fmt::format("{:o}", bits);
      if (d.alternate) digits.insert(0, conversion == 'x' ? "0x" : "0");
      if (d.conversion == 'X') {
        for (char& c : digits) c = static_cast<char>(std::toupper(c));
      }
      Directive plain = d;
      plain.plus = plain.space = plain.group = false;
      AppendNumber(false, std::move(digits), plain, out);
      return Status::OK();
    }
    case 'f':
    case 'e': {
      if (null) {
        shown = "null";
        break;
      }
      double value = 0;
      if (real != nullptr) {
        value = *real;
      } else if (source.is_decimal() && text != nullptr) {
        value = std::strtod(text->c_str(), nullptr);
      } else {
        return WrongArgument(d, JavaClass(source, argument));
      }
      if (!std::isfinite(value)) {
        Directive plain = d;
        plain.zero = plain.group = false;
        const bool nan = std::isnan(value);
        AppendNumber(!nan && value < 0, nan ? "NaN" : "Infinity", plain, out);
        return Status::OK();
      }
      const int precision = d.precision >= 0 ? d.precision : 6;
      const double magnitude = std::abs(value);
      std::string digits = conversion == 'f' ? FixedText(magnitude, precision)
                                             : ScientificText(magnitude, precision);
      if (d.conversion == 'E') {
        for (char& c : digits) c = static_cast<char>(std::toupper(c));
      }
      AppendNumber(std::signbit(value), std::move(digits), d, out);
      return Status::OK();
    }
    default:
      return FormatError(fmt::format("Conversion = '{}'", d.conversion));
  }
  if (d.conversion >= 'A' && d.conversion <= 'Z') {
    std::string upper;
    AppendUpper(shown, &upper);
    shown = std::move(upper);
  }
  AppendPadded(std::move(shown), d, out);
  return Status::OK();
}

Status Format(Text format, std::span<const FormatArgument> arguments, int64_t row,
              std::string* out) {
  size_t next = 0;
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out->push_back(format[at++]);
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(const Directive directive, ReadDirective(format, &at));
    if (directive.conversion == '%') {
      AppendPadded("%", directive, out);
      continue;
    }
    if (directive.conversion == 'n') {
      out->push_back('\n');
      continue;
    }
    const size_t index =
        directive.index > 0 ? static_cast<size_t>(directive.index) - 1 : next++;
    if (index >= arguments.size()) {
      return FormatError(fmt::format("Format specifier '{}'", directive.text));
    }
    MILLRACE_RETURN_IF_ERROR(
        AppendArgument(directive, arguments[index], arguments[index].Read(row), out));
  }
  return Status::OK();
}

Bound BindFormatString(Text name, Args args) {
  std::vector<ExprPtr> all(args.begin(), args.end());
  MILLRACE_ASSIGN_OR_RETURN(all[0], CastTo(name, args, 0, data::StringType()));
  for (const ExprPtr& arg : args.subspan(1)) {
    const arrow::Type::type id = arg->type()->id();
    if (id == arrow::Type::LIST || id == arrow::Type::MAP || id == arrow::Type::STRUCT) {
      return UnsupportedError(
          "{} takes no values of type {} in Millrace. Cast them to string first.", name,
          data::SqlTypeName(*arg->type()));
    }
  }
  const bool nullable = all[0]->nullable();
  BoundFunction bound = MakeBound(
      std::move(all), data::StringType(),
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = AllConstant(in.args);
        const int64_t rows = constant ? 1 : in.rows;
        const Reader<Text> formats(in.args[0]);
        const NullReader nulls(in.args[0]);
        if (in.args[0].array->type_id() == arrow::Type::NA) return NullConstant(in.type);
        const std::vector<FormatArgument> arguments(in.args.begin() + 1, in.args.end());
        ViewBuilder out(rows);
        MILLRACE_RETURN_IF_ERROR(out.Allocate());
        for (int64_t row = 0; row < rows; ++row) {
          if (nulls.IsNull(row)) {
            MILLRACE_RETURN_IF_ERROR(out.AppendNull());
            continue;
          }
          MILLRACE_RETURN_IF_ERROR(Format(formats[row], arguments, row, out.bytes()));
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
        return Value{std::move(array), constant};
      },
      {.can_fail = true});
  bound.nullable = nullable;
  return bound;
}

// --- format_number

// What DecimalFormat does with the digits of a number.
struct NumberPattern {
  int min_integral = 1;
  int min_fraction = 0;
  int max_fraction = 0;
  size_t group = 3;  // 0: none
};

Result<NumberPattern> ReadNumberPattern(Text text) {
  NumberPattern out{0, 0, 0, 0};
  bool fraction = false;
  size_t since_comma = 0;
  bool comma = false;
  for (const char c : text) {
    if (c == '.' && !fraction) {
      fraction = true;
    } else if (c == ',' && !fraction) {
      comma = true;
      since_comma = 0;
    } else if (c == '#' || c == '0') {
      ++since_comma;
      if (fraction) {
        ++out.max_fraction;
        if (c == '0') out.min_fraction = out.max_fraction;
        since_comma = 0;
        continue;
      }
      if (c == '0') ++out.min_integral;
      if (comma) out.group = since_comma;
    } else {
      return UnsupportedError(
          "The number format '{}' has characters other than # 0 , and ., which Millrace "
          "does "
          "not have.",
          text);
    }
  }
  // A pattern of '#' alone shows at least one digit before the point, or else after it.
  if (fraction && out.min_integral == 0 && out.min_fraction == 0) {
    if (text.starts_with('.')) {
      out.min_fraction = std::min(1, out.max_fraction);
    } else {
      out.min_integral = 1;
    }
  }
  return out;
}

// `text` is a plain decimal with max_fraction digits after the point.
void AppendNumber(Text text, const NumberPattern& pattern, std::string* out) {
  if (text.starts_with('-')) {
    out->push_back('-');
    text.remove_prefix(1);
  }
  const size_t point = std::min(text.find('.'), text.size());
  std::string whole(text.substr(0, point));
  if (whole == "0" && pattern.min_integral == 0 && pattern.max_fraction > 0)
    whole.clear();
  if (static_cast<int>(whole.size()) < pattern.min_integral) {
    whole.insert(0, static_cast<size_t>(pattern.min_integral) - whole.size(), '0');
  }
  std::string fraction(point < text.size() ? text.substr(point + 1) : Text());
  while (static_cast<int>(fraction.size()) > pattern.min_fraction &&
         fraction.ends_with('0')) {
    fraction.pop_back();
  }
  if (whole.empty() && fraction.empty()) whole = "0";
  out->append(pattern.group > 0 ? Grouped(whole, pattern.group) : whole);
  if (!fraction.empty()) {
    out->push_back('.');
    out->append(fraction);
  }
}

void AppendDouble(double value, const NumberPattern& pattern, std::string* out) {
  if (std::isnan(value)) {
    out->append("NaN");
    return;
  }
  if (std::isinf(value)) {
    out->append(value < 0 ? "-∞" : "∞");
    return;
  }
  // The C library rounds the exact value half to even, as DecimalFormat does.
  char text[512];
  const int size = std::snprintf(text, sizeof(text), "%.*f",
                                 std::min(pattern.max_fraction, 100), value);
  AppendNumber(Text(text, static_cast<size_t>(size)), pattern, out);
}

template <typename F>
Kernel NumberKernel(const ExprPtr& number, F pattern_at) {
  const data::TypePtr type = number->type();
  return [type, pattern_at](const KernelInput& in) -> Result<Value> {
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(in.args, rows));
    if (validity.all_null) return NullConstant(in.type);
    ViewBuilder out(rows);
    MILLRACE_RETURN_IF_ERROR(out.Allocate());
    for (int64_t row = 0; row < rows; ++row) {
      std::optional<NumberPattern> pattern;
      if (validity.bits == nullptr ||
          arrow::bit_util::GetBit(validity.bits->data(), row)) {
        MILLRACE_ASSIGN_OR_RETURN(pattern, pattern_at(in.args[1], row));
      }
      if (!pattern.has_value()) {
        MILLRACE_RETURN_IF_ERROR(out.AppendNull());
        continue;
      }
      if (type->id() == arrow::Type::DECIMAL128) {
        const int scale = static_cast<const arrow::Decimal128Type&>(*type).scale();
        const int kept = std::min(scale, pattern->max_fraction);
        const auto rounded = RoundDecimal(Reader<Decimal128>(in.args[0])[row], scale,
                                          kept, {38, kept}, Rounding::kHalfEven);
        std::string text = rounded.value_or(Decimal128(0)).ToString(kept);
        if (kept == 0 && pattern->max_fraction > 0) text += '.';
        text.append(static_cast<size_t>(pattern->max_fraction - kept), '0');
        AppendNumber(text, *pattern, out.bytes());
      } else if (data::IsInteger(*type)) {
        std::string text;
        VisitNumber(*type, [&]<typename T>(std::type_identity<T>) {
          text = std::to_string(static_cast<int64_t>(Reader<T>(in.args[0])[row]));
        });
        if (pattern->max_fraction > 0) text += '.';
        text.append(static_cast<size_t>(pattern->max_fraction), '0');
        AppendNumber(text, *pattern, out.bytes());
      } else {
        const double value = type->id() == arrow::Type::FLOAT
                                 ? static_cast<double>(Reader<float>(in.args[0])[row])
                                 : Reader<double>(in.args[0])[row];
        AppendDouble(value, *pattern, out.bytes());
      }
      out.Commit();
    }
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
    return Value{std::move(array), constant};
  };
}

Bound BindFormatNumber(Args args, const BindContext&) {
  ExprPtr number = args[0];
  if (number->type()->id() == arrow::Type::NA) {
    MILLRACE_ASSIGN_OR_RETURN(number, MakeCast(number, data::DoubleType()));
  } else if (!data::IsNumeric(*number->type())) {
    return UnexpectedInputType("format_number", args, 0, "\"NUMERIC\"");
  }
  if (data::IsString(*args[1]->type())) {
    Kernel kernel = NumberKernel(
        number,
        [](const Value& arg, int64_t row) -> Result<std::optional<NumberPattern>> {
          MILLRACE_ASSIGN_OR_RETURN(const NumberPattern pattern,
                                    ReadNumberPattern(Reader<Text>(arg)[row]));
          return std::optional(pattern);
        });
    return MakeBound({number, args[1]}, data::StringType(), std::move(kernel),
                     {.can_fail = true});
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr digits,
                            CastTo("format_number", args, 1,
                                   Wanted(data::IntType(), "(\"INT\" or \"STRING\")")));
  Kernel kernel = NumberKernel(
      number, [](const Value& arg, int64_t row) -> Result<std::optional<NumberPattern>> {
        const int32_t count = Reader<int32_t>(arg)[row];
        if (count < 0) return std::optional<NumberPattern>();
        return std::optional(NumberPattern{1, count, count, 3});
      });
  return MakeBound({number, std::move(digits)}, data::StringType(), std::move(kernel),
                   {.makes_nulls = true});
}

const FunctionSpec kFunctions[] = {
    {"format_number", 2, 2, BindFormatNumber,
     "A number with grouped digits and so many after the point, or by a pattern like "
     "#,##0.00.",
     "format_number(12332.123456, 4) → 12,332.1235"},
    {"format_string", 1, -1,
     [](Args args, const BindContext&) {
       return BindFormatString("format_string", args);
     },
     "The format with its % directives replaced by the values, as Java's String.format.",
     "format_string('%5.2f|%-5s|%05d', 1.5D, 'a', 42) →  1.50|a    |00042"},
    {"printf", 1, -1,
     [](Args args, const BindContext&) { return BindFormatString("printf", args); },
     "The same as format_string.",
     "printf('Hello World %d %s', 100, 'days') → Hello World 100 days"},
};

}  // namespace

std::span<const FunctionSpec> FormatFunctions() { return kFunctions; }

}  // namespace millrace::expr
