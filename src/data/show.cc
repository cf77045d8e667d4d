#include "data/show.h"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "data/time_text.h"

namespace millrace::data {
namespace {

constexpr size_t kMinColumnWidth = 3;
constexpr char32_t kReplacement = 0xFFFD;

// A cell's text and its width on the screen. Spark measures texts as Java does, in UTF-16
// units, and counts East Asian wide characters twice.
struct Cell {
  std::string text;
  size_t width = 0;
};

// Reads one code point and moves *at behind it. What is not UTF-8 becomes U+FFFD, one for
// each longest run that a character could begin with.
char32_t NextCodePoint(std::string_view text, size_t* at) {
  const auto lead = static_cast<unsigned char>(text[(*at)++]);
  if (lead < 0x80) return lead;
  const int length = lead >= 0xC2 && lead <= 0xDF   ? 2
                     : lead >= 0xE0 && lead <= 0xEF ? 3
                     : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                    : 0;
  if (length == 0) return kReplacement;
  char32_t point = lead & (0xFF >> (length + 1));
  for (int i = 1; i < length; ++i) {
    if (*at == text.size()) return kReplacement;
    const auto next = static_cast<unsigned char>(text[*at]);
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (i == 1 && lead == 0xE0) low = 0xA0;
    if (i == 1 && lead == 0xF0) low = 0x90;
    if (i == 1 && lead == 0xF4) high = 0x8F;
    if (next < low || next > high) return kReplacement;
    point = point << 6 | (next & 0x3F);
    ++*at;
  }
  // Java takes the three bytes of a surrogate for one malformed character.
  return point >= 0xD800 && point <= 0xDFFF ? kReplacement : point;
}

size_t Utf16Units(char32_t point) { return point >= 0x10000 ? 2 : 1; }

void AppendCodePoint(char32_t point, std::string* out) {
  if (point < 0x80) {
    *out += static_cast<char>(point);
    return;
  }
  const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr unsigned char kLead[] = {0, 0xC0, 0xE0, 0xF0};
  *out += static_cast<char>(kLead[more] | point >> (6 * more));
  for (int i = more - 1; i >= 0; --i)
    *out += static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3F));
}

// Spark's Utils.fullWidthRegex.
bool IsFullWidth(char32_t point) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  constexpr Range kRanges[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3},
                               {0xF900, 0xFAFF}, {0xFE30, 0xFE4F}, {0xFF00, 0xFF60},
                               {0xFFE0, 0xFFE6}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [point](Range r) { return point >= r.first && point <= r.last; });
}

// Spark's SparkSchemaUtils.escapeMetaCharacters.
std::string_view Escape(char32_t point) {
  switch (point) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\f':
      return "\\f";
    case '\b':
      return "\\b";
    case '\v':
      return "\\v";
    case '\a':
      return "\\a";
    default:
      return {};
  }
}

// Escapes, shortens to `truncate` units (0: not at all) and measures.
Cell MakeCell(std::string_view raw, size_t truncate) {
  std::u32string points;
  size_t units = 0;
  for (size_t at = 0; at < raw.size();) {
    const char32_t point = NextCodePoint(raw, &at);
    const std::string_view escaped = Escape(point);
    if (escaped.empty()) {
      points += point;
      units += Utf16Units(point);
    } else {
      points.append(escaped.begin(), escaped.end());
      units += escaped.size();
    }
  }
  size_t kept = units;
  if (truncate > 0 && units > truncate) kept = truncate < 4 ? truncate : truncate - 3;
  Cell cell;
  size_t used = 0;
  for (const char32_t point : points) {
    if (used == kept) break;
    if (used + Utf16Units(point) >
        kept) {  // half a pair, which Java writes as a question mark
      cell.text += '?';
      ++cell.width;
      break;
    }
    AppendCodePoint(point, &cell.text);
    used += Utf16Units(point);
    cell.width += Utf16Units(point) + (IsFullWidth(point) ? 1 : 0);
  }
  if (kept < units && truncate >= 4) {
    cell.text += "...";
    cell.width += 3;
  }
  return cell;
}

using Row = std::vector<Cell>;

void AppendPadded(const Cell& cell, size_t width, bool right_aligned, std::string* out) {
  if (right_aligned) out->append(width - cell.width, ' ');
  *out += cell.text;
  if (!right_aligned) out->append(width - cell.width, ' ');
}

void AppendTable(const Row& header, const std::vector<Row>& rows, bool right_aligned,
                 std::string* out) {
  std::vector<size_t> widths(header.size(), kMinColumnWidth);
  const auto widen = [&widths](const Row& row) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].width);
  };
  widen(header);
  std::for_each(rows.begin(), rows.end(), widen);

  std::string separator = "+";
  for (const size_t width : widths) separator.append(width, '-').append("+");
  if (widths.empty()) separator += '+';
  separator += '\n';
  const auto append_row = [&](const Row& row) {
    *out += '|';
    for (size_t i = 0; i < row.size(); ++i) {
      AppendPadded(row[i], widths[i], right_aligned, out);
      *out += '|';
    }
    if (row.empty()) *out += '|';
    *out += '\n';
  };
  *out += separator;
  append_row(header);
  *out += separator;
  std::for_each(rows.begin(), rows.end(), append_row);
  *out += separator;
}

void AppendRecords(const Row& header, const std::vector<Row>& rows, std::string* out) {
  size_t name_width = kMinColumnWidth;
  size_t data_width = kMinColumnWidth;
  for (const Cell& name : header) name_width = std::max(name_width, name.width);
  for (const Row& row : rows) {
    for (const Cell& cell : row) data_width = std::max(data_width, cell.width);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string title = fmt::format("-RECORD {}", i);
    title.resize(std::max(title.size(), name_width + data_width + 5), '-');
    *out += title + '\n';
    for (size_t j = 0; j < header.size(); ++j) {
      *out += ' ';
      AppendPadded(header[j], name_width, /*right_aligned=*/false, out);
      *out += " | ";
      AppendPadded(rows[i][j], data_width, /*right_aligned=*/false, out);
      *out += " \n";
    }
    if (header.empty()) *out += '\n';
  }
}

}  // namespace

Result<std::string> ShowString(const arrow::Schema& schema,
                               std::span<const Batch> batches,
                               const ShowOptions& options) {
  MILLRACE_RETURN_IF_ERROR(TimeZone::Find(options.time_zone).status());
  const auto limit = static_cast<size_t>(std::max(options.num_rows, 0));
  const auto truncate = static_cast<size_t>(std::max(options.truncate, 0));
  Row header;
  for (const FieldPtr& field : schema.fields())
    header.push_back(MakeCell(field->name(), 0));

  std::vector<Row> rows;
  bool has_more = false;
  std::string text;
  for (const Batch& batch : batches) {
    const arrow::ArrayVector columns = batch->columns();
    for (int64_t i = 0; i < batch->num_rows() && !has_more; ++i) {
      if (rows.size() == limit) {
        has_more = true;
        break;
      }
      Row& row = rows.emplace_back();
      for (const ArrayPtr& column : columns) {
        text.clear();
        if (column->IsNull(i)) {
          text = "NULL";
        } else {
          AppendValue(*column, i, options.time_zone, NullText::kPretty, &text);
        }
        row.push_back(MakeCell(text, truncate));
      }
    }
  }

  std::string out;
  if (options.vertical) {
    AppendRecords(header, rows, &out);
  } else {
    AppendTable(header, rows, /*right_aligned=*/truncate > 0, &out);
  }
  if (options.vertical && rows.empty()) {
    out += "(0 rows)";
  } else if (has_more) {
    out += fmt::format("only showing top {} {}", limit, limit == 1 ? "row" : "rows");
  }
  return out;
}

}  // namespace millrace::data
