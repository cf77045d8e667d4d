#include "expr/json_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <vector>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>

#include "base/error.h"
#include "data/show.h"
#include "expr/json_chars.h"
#include "expr/json_reader.h"
#include "expr/json_row_text.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;

// A column with what is the same for all its rows worked out.
struct Node {
  std::shared_ptr<arrow::Array> array;
  arrow::Type::type id;
  bool has_zone = false;  // of timestamps
  int scale = 0;          // of decimals
  const void* values = nullptr;
  std::string name;  // of fields: "name":
  std::vector<Node> children;

  template <typename T>
  T value(int64_t row) const {
    return static_cast<const T*>(values)[row];
  }
};

// java.math.BigDecimal.toString, which takes to an exponent for small numbers.
void AppendBigDecimal(const arrow::Decimal128& value, int scale, std::string* out) {
  std::string digits = value.ToIntegerString();
  if (scale == 0) {
    out->append(digits);
    return;
  }
  if (digits.front() == '-') {
    out->push_back('-');
    digits.erase(0, 1);
  }
  const int size = static_cast<int>(digits.size());
  const int exponent = size - 1 - scale;
  if (exponent < -6) {
    out->push_back(digits[0]);
    if (size > 1) out->append(".").append(digits, 1);
    out->append("E").append(std::to_string(exponent));
  } else if (size > scale) {
    out->append(digits, 0, static_cast<size_t>(size - scale));
    out->append(".").append(digits, static_cast<size_t>(size - scale));
  } else {
    out->append("0.").append(static_cast<size_t>(scale - size), '0').append(digits);
  }
}

void AppendTwoDigits(int64_t value, std::string* out) {
  out->push_back(static_cast<char>('0' + value / 10));
  out->push_back(static_cast<char>('0' + value % 10));
}

class Writer {
 public:
  Writer(const JsonWriteOptions& options, std::string* out)
      : options_(options), out_(out) {}

  Result<Node> Prepare(std::shared_ptr<arrow::Array> array) const;
  /// The row is not null.
  void Write(const Node& node, int64_t row);

 private:
  void WriteOrNull(const Node& node, int64_t row) {
    if (node.array->IsNull(row)) {
      out_->append("null");
    } else {
      Write(node, row);
    }
  }
  void WriteStruct(const Node& node, int64_t row);
  void WriteArray(const Node& node, int64_t row);
  void WriteMap(const Node& node, int64_t row);
  void WriteText(std::string_view text);
  void WriteTimestamp(int64_t micros, bool has_zone);
  void WriteDate(int64_t days);

  std::string FieldName(std::string_view name) const {
    std::string field;
    AppendJsonString(name, /*escape_pairs=*/false, options_.ascii, &field);
    return field + (options_.pretty ? " : " : ":");
  }
  void NewLine() {
    if (options_.pretty) out_->append("\n").append(2 * nesting_, ' ');
  }
  void OpenObject() {
    out_->push_back('{');
    ++nesting_;
  }
  void NextField(bool* first) {
    if (!*first) out_->push_back(',');
    *first = false;
    NewLine();
  }
  void CloseObject(bool empty) {
    --nesting_;
    if (!empty) {
      NewLine();
    } else if (options_.pretty) {
      out_->push_back(' ');
    }
    out_->push_back('}');
  }

  const JsonWriteOptions& options_;
  std::string* const out_;
  std::string scratch_;
  size_t nesting_ = 0;
};

Result<Node> Writer::Prepare(std::shared_ptr<arrow::Array> array) const {
  Node node;
  node.id = array->type_id();
  const arrow::DataType& type = *array->type();
  switch (node.id) {
    case arrow::Type::INT8:
      node.values = array->data()->GetValues<int8_t>(1);
      break;
    case arrow::Type::INT16:
      node.values = array->data()->GetValues<int16_t>(1);
      break;
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      node.values = array->data()->GetValues<int32_t>(1);
      break;
    case arrow::Type::INT64:
      node.values = array->data()->GetValues<int64_t>(1);
      break;
    case arrow::Type::FLOAT:
      node.values = array->data()->GetValues<float>(1);
      break;
    case arrow::Type::DOUBLE:
      node.values = array->data()->GetValues<double>(1);
      break;
    case arrow::Type::TIMESTAMP:
      node.values = array->data()->GetValues<int64_t>(1);
      node.has_zone = data::IsTimestamp(type);
      break;
    case arrow::Type::DECIMAL128:
      node.scale = static_cast<const arrow::Decimal128Type&>(type).scale();
      break;
    case arrow::Type::NA:
    case arrow::Type::BOOL:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::DURATION:
    case arrow::Type::INTERVAL_MONTHS:
      break;
    case arrow::Type::STRUCT: {
      const auto& fields = static_cast<const arrow::StructArray&>(*array);
      for (int i = 0; i < fields.num_fields(); ++i) {
        MILLRACE_ASSIGN_OR_RETURN(Node child, Prepare(fields.field(i)));
        child.name = FieldName(type.field(i)->name());
        node.children.push_back(std::move(child));
      }
      if (options_.sort_keys) {
        std::stable_sort(node.children.begin(), node.children.end(),
                         [](const Node& a, const Node& b) { return a.name < b.name; });
      }
      break;
    }
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(*array);
      MILLRACE_ASSIGN_OR_RETURN(Node child, Prepare(list.values()));
      node.children.push_back(std::move(child));
      break;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(*array);
      for (const auto& part : {map.keys(), map.items()}) {
        MILLRACE_ASSIGN_OR_RETURN(Node child, Prepare(part));
        node.children.push_back(std::move(child));
      }
      break;
    }
    default:
      return UnsupportedError("Values of type {} have no form in JSON.",
                              data::SqlTypeName(type));
  }
  node.array = std::move(array);
  return node;
}

void Writer::Write(const Node& node, int64_t row) {
  const auto integer = [this](int64_t value) {
    char text[24];
    out_->append(text, std::to_chars(text, text + sizeof(text), value).ptr);
  };
  const auto floating = [this](auto value, auto append) {
    const bool quoted = !std::isfinite(value);
    if (quoted) out_->push_back('"');
    append(value, out_);
    if (quoted) out_->push_back('"');
  };
  switch (node.id) {
    case arrow::Type::BOOL:
      out_->append(static_cast<const arrow::BooleanArray&>(*node.array).Value(row)
                       ? "true"
                       : "false");
      break;
    case arrow::Type::INT8:
      integer(node.value<int8_t>(row));
      break;
    case arrow::Type::INT16:
      integer(node.value<int16_t>(row));
      break;
    case arrow::Type::INT32:
      integer(node.value<int32_t>(row));
      break;
    case arrow::Type::INT64:
      integer(node.value<int64_t>(row));
      break;
    case arrow::Type::FLOAT:
      floating(node.value<float>(row), data::AppendFloat);
      break;
    case arrow::Type::DOUBLE:
      floating(node.value<double>(row), data::AppendDouble);
      break;
    case arrow::Type::DECIMAL128:
      AppendBigDecimal(
          arrow::Decimal128(
              static_cast<const arrow::Decimal128Array&>(*node.array).Value(row)),
          node.scale, out_);
      break;
    case arrow::Type::STRING_VIEW:
      WriteText(static_cast<const arrow::StringViewArray&>(*node.array).GetView(row));
      break;
    case arrow::Type::BINARY_VIEW:
      out_->push_back('"');
      out_->append(arrow::util::base64_encode(
          static_cast<const arrow::BinaryViewArray&>(*node.array).GetView(row)));
      out_->push_back('"');
      break;
    case arrow::Type::DATE32:
      WriteDate(node.value<int32_t>(row));
      break;
    case arrow::Type::TIMESTAMP:
      WriteTimestamp(node.value<int64_t>(row), node.has_zone);
      break;
    case arrow::Type::STRUCT:
      WriteStruct(node, row);
      break;
    case arrow::Type::LIST:
      WriteArray(node, row);
      break;
    case arrow::Type::MAP:
      WriteMap(node, row);
      break;
    default:
      scratch_.clear();
      data::AppendValue(*node.array, row, "UTC", data::NullText::kCast, &scratch_);
      WriteText(scratch_);
  }
}

void Writer::WriteStruct(const Node& node, int64_t row) {
  OpenObject();
  bool first = true;
  for (const Node& field : node.children) {
    if (options_.ignore_null_fields && field.array->IsNull(row)) continue;
    NextField(&first);
    out_->append(field.name);
    WriteOrNull(field, row);
  }
  CloseObject(first);
}

void Writer::WriteArray(const Node& node, int64_t row) {
  const auto& list = static_cast<const arrow::ListArray&>(*node.array);
  const int64_t begin = list.value_offset(row);
  const int64_t end = list.value_offset(row + 1);
  out_->push_back('[');
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) out_->push_back(',');
    if (options_.pretty) out_->push_back(' ');
    WriteOrNull(node.children[0], i);
  }
  if (options_.pretty) out_->push_back(' ');
  out_->push_back(']');
}

void Writer::WriteMap(const Node& node, int64_t row) {
  const auto& map = static_cast<const arrow::MapArray&>(*node.array);
  const int64_t begin = map.value_offset(row);
  const int64_t end = map.value_offset(row + 1);
  OpenObject();
  bool first = true;
  const auto write = [&](int64_t entry, std::string_view key) {
    NextField(&first);
    WriteText(key);
    out_->append(options_.pretty ? " : " : ":");
    WriteOrNull(node.children[1], entry);
  };
  const auto key_of = [&](int64_t entry) {
    std::string key;
    AppendRowText(*node.children[0].array, entry, &key);
    return key;
  };
  if (options_.sort_keys) {
    std::vector<std::pair<std::string, int64_t>> entries;
    for (int64_t i = begin; i < end; ++i) entries.emplace_back(key_of(i), i);
    std::sort(entries.begin(), entries.end());
    for (const auto& [key, entry] : entries) write(entry, key);
  } else if (node.children[0].id == arrow::Type::STRING_VIEW) {
    const auto& keys =
        static_cast<const arrow::StringViewArray&>(*node.children[0].array);
    for (int64_t i = begin; i < end; ++i) write(i, keys.GetView(i));
  } else {
    for (int64_t i = begin; i < end; ++i) write(i, key_of(i));
  }
  CloseObject(first);
}

// Malformed UTF-8 becomes U+FFFD, as Java makes of it on the way.
void Writer::WriteText(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  if (IsValidUtf8(p, end)) {
    AppendJsonString(text, /*escape_pairs=*/false, options_.ascii, out_);
    return;
  }
  std::string clean;
  while (p < end) {
    const JavaChar c = DecodeJavaChar(p, end);
    AppendJavaChar(c.code, &clean);
    p += c.bytes;
  }
  AppendJsonString(clean, /*escape_pairs=*/false, options_.ascii, out_);
}

// By default yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX], the zone only where there is one.
void Writer::WriteTimestamp(int64_t micros, bool has_zone) {
  const auto& format =
      has_zone ? options_.timestamp_format : options_.timestamp_ntz_format;
  const data::TimeZone& zone = has_zone ? *options_.zone : *data::TimeZone::Utc();
  if (format != nullptr) {
    scratch_.clear();
    format->Format(micros, zone, &scratch_);
    WriteText(scratch_);
    return;
  }
  const bool is_utc = &zone == data::TimeZone::Utc();
  const int64_t local = is_utc ? micros : zone.ToLocal(micros);
  int64_t days = local / kMicrosPerDay;
  if (local % kMicrosPerDay < 0) --days;
  const int64_t millis = (local - days * kMicrosPerDay) / 1000;
  out_->push_back('"');
  data::AppendDate(days, out_);
  out_->push_back('T');
  AppendTwoDigits(millis / 3'600'000, out_);
  out_->push_back(':');
  AppendTwoDigits(millis / 60'000 % 60, out_);
  out_->push_back(':');
  AppendTwoDigits(millis / 1000 % 60, out_);
  out_->push_back('.');
  out_->push_back(static_cast<char>('0' + millis / 100 % 10));
  AppendTwoDigits(millis % 100, out_);
  if (has_zone) {
    const int64_t minutes = is_utc ? 0 : zone.OffsetSeconds(micros) / 60;
    if (minutes == 0) {
      out_->push_back('Z');
    } else {
      out_->push_back(minutes < 0 ? '-' : '+');
      AppendTwoDigits(std::abs(minutes) / 60, out_);
      out_->push_back(':');
      AppendTwoDigits(std::abs(minutes) % 60, out_);
    }
  }
  out_->push_back('"');
}

void Writer::WriteDate(int64_t days) {
  if (options_.date_format != nullptr) {
    scratch_.clear();
    options_.date_format->Format(days * kMicrosPerDay, *data::TimeZone::Utc(), &scratch_);
    WriteText(scratch_);
    return;
  }
  out_->push_back('"');
  data::AppendDate(days, out_);
  out_->push_back('"');
}

}  // namespace

Result<JsonWriteOptions> JsonWriteOptions::Make(const Options& options,
                                                const data::TimeZone& zone) {
  JsonWriteOptions made;
  made.zone = &zone;
  if (const auto id = options.Get("timeZone")) {
    MILLRACE_ASSIGN_OR_RETURN(made.zone, data::TimeZone::Find(*id));
  }
  if (options.GetOr("locale", "en-US") != "en-US") {
    return UnsupportedError("The JSON option locale is not built yet. Leave it out.");
  }
  MILLRACE_ASSIGN_OR_RETURN(made.ignore_null_fields,
                            options.GetBool("ignoreNullFields", true));
  MILLRACE_ASSIGN_OR_RETURN(made.pretty, options.GetBool("pretty", false));
  MILLRACE_ASSIGN_OR_RETURN(made.sort_keys, options.GetBool("sortKeys", false));
  MILLRACE_ASSIGN_OR_RETURN(made.ascii,
                            options.GetBool("writeNonAsciiCharacterAsCodePoint", false));
  const auto pattern = [&options](std::string_view key, auto* format) -> Status {
    const std::optional<std::string> text = options.Get(key);
    if (!text) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(
        *format, data::TimePattern::Compile(*text, data::PatternUse::kFormat));
    return Status::OK();
  };
  MILLRACE_RETURN_IF_ERROR(pattern("timestampFormat", &made.timestamp_format));
  MILLRACE_RETURN_IF_ERROR(pattern("timestampNTZFormat", &made.timestamp_ntz_format));
  MILLRACE_RETURN_IF_ERROR(pattern("dateFormat", &made.date_format));
  return made;
}

Result<data::ArrayPtr> WriteJson(const arrow::Array& values,
                                 const JsonWriteOptions& options) {
  ViewBuilder texts(values.length());
  MILLRACE_RETURN_IF_ERROR(texts.Allocate());
  Writer writer(options, texts.bytes());
  MILLRACE_ASSIGN_OR_RETURN(const Node root,
                            writer.Prepare(arrow::MakeArray(values.data())));
  for (int64_t row = 0; row < values.length(); ++row) {
    if (values.IsNull(row)) {
      MILLRACE_RETURN_IF_ERROR(texts.AppendNull());
    } else {
      writer.Write(root, row);
      texts.Commit();
    }
  }
  return texts.Finish(data::StringType());
}

Result<data::ArrayPtr> WriteJson(const arrow::Array& values, const Options& options,
                                 const data::TimeZone& zone) {
  MILLRACE_ASSIGN_OR_RETURN(const JsonWriteOptions made,
                            JsonWriteOptions::Make(options, zone));
  return WriteJson(values, made);
}

}  // namespace millrace::expr
