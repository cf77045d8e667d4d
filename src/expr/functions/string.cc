// Functions that cut, join and measure text. Characters are code points; see utf8.h.
#include <algorithm>
#include <array>
#include <limits>

#include <arrow/array/array_nested.h>
#include <arrow/type.h>

#include "base/error.h"
#include "expr/functions/collection.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/functions/utf8.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

constexpr int32_t kMaxInt = std::numeric_limits<int32_t>::max();

bool IsBinary(const ExprPtr& arg) {
  return arg->type()->id() == arrow::Type::BINARY_VIEW;
}

template <void (*kAppend)(Text, std::string*)>
Bound MapCase(Text name, Args args) {
  return BindWith(
      name, args, {data::StringType()}, data::StringType(),
      TextKernel<Text>([](Text text, std::string* out) { kAppend(text, out); }));
}

// --- measures

Bound Length(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, TextOrBinary(name, args));
  if (IsBinary(arg)) {
    return MakeBound({arg}, data::IntType(), UnaryKernel<Text, int32_t>([](Text bytes) {
                       return static_cast<int32_t>(bytes.size());
                     }));
  }
  return MakeBound({arg}, data::IntType(), UnaryKernel<Text, int32_t>([](Text text) {
                     return static_cast<int32_t>(CountCharacters(text));
                   }));
}

Bound Bytes(Text name, Args args, int32_t factor) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, TextOrBinary(name, args));
  return MakeBound({arg}, data::IntType(),
                   UnaryKernel<Text, int32_t>([factor](Text bytes) {
                     return static_cast<int32_t>(bytes.size()) * factor;
                   }));
}

// --- parts

// UTF8String.substringSQL: position 1 is the first character, -1 the last.
Text Substring(Text text, int32_t position, int32_t length) {
  int64_t start = 0;
  if (position > 0) {
    start = position - 1;
  } else if (position < 0) {
    start = CountCharacters(text) + position;
  }
  const int64_t end =
      std::clamp<int64_t>(start + length, std::numeric_limits<int32_t>::min(), kMaxInt);
  if (end <= start) return {};
  const size_t begin = SkipCharacters(text, 0, start);
  return text.substr(
      begin, SkipCharacters(text, begin, end - std::max<int64_t>(start, 0)) - begin);
}

Text SubBinary(Text bytes, int32_t position, int32_t length) {
  const auto size = static_cast<int64_t>(bytes.size());
  const int64_t start =
      position > 0 ? position - 1 : (position < 0 ? size + position : 0);
  const int64_t end = std::clamp<int64_t>(start + length, 0, size);
  const int64_t begin = std::clamp<int64_t>(start, 0, size);
  return end <= begin ? Text() : bytes.substr(begin, end - begin);
}

Bound BindSubstring(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr text, TextOrBinary(name, args));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr position, CastTo(name, args, 1, data::IntType()));
  ExprPtr length = MakeInt(kMaxInt);
  if (args.size() > 2) {
    MILLRACE_ASSIGN_OR_RETURN(length, CastTo(name, args, 2, data::IntType()));
  }
  const data::TypePtr type = text->type();
  Kernel kernel = IsBinary(text) ? SliceKernel<int32_t, int32_t>(SubBinary)
                                 : SliceKernel<int32_t, int32_t>(Substring);
  return MakeBound({std::move(text), std::move(position), std::move(length)}, type,
                   std::move(kernel));
}

Bound BindLeft(Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr text, TextOrBinary("left", args));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr length, CastTo("left", args, 1, data::IntType()));
  const data::TypePtr type = text->type();
  const bool binary = IsBinary(text);
  return MakeBound({std::move(text), std::move(length)}, type,
                   SliceKernel<int32_t>([binary](Text value, int32_t count) {
                     return binary ? SubBinary(value, 1, count)
                                   : Substring(value, 1, count);
                   }));
}

Bound BindRight(Args args) {
  return BindWith("right", args, {data::StringType(), data::IntType()},
                  data::StringType(), SliceKernel<int32_t>([](Text text, int32_t count) {
                    if (count <= 0) return Text();
                    return Substring(text, count == kMaxInt ? -kMaxInt : -count, kMaxInt);
                  }));
}

enum class Side { kLeft = 1, kRight = 2, kBoth = 3 };

bool Cuts(Side side, Side what) {
  return (static_cast<int>(side) & static_cast<int>(what)) != 0;
}

Text TrimBlanks(Text text, Side side) {
  if (Cuts(side, Side::kLeft)) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  if (Cuts(side, Side::kRight)) {
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  }
  return text;
}

Text TrimCharacters(Text text, Text characters, Side side) {
  if (Cuts(side, Side::kLeft)) {
    while (!text.empty()) {
      const size_t size = SkipCharacters(text, 0, 1);
      if (characters.find(text.substr(0, size)) == Text::npos) break;
      text.remove_prefix(size);
    }
  }
  if (Cuts(side, Side::kRight)) {
    while (!text.empty()) {
      size_t begin = text.size() - 1;
      while (begin > 0 && IsContinuation(text[begin])) --begin;
      if (characters.find(text.substr(begin)) == Text::npos) break;
      text.remove_suffix(text.size() - begin);
    }
  }
  return text;
}

// trim(characters, text), but btrim(text, characters).
template <Side kSide>
Bound BindTrim(Text name, Args args, bool text_first = false) {
  MILLRACE_ASSIGN_OR_RETURN(
      std::vector<ExprPtr> cast,
      CastArguments(name, args, std::array<Wanted, 1>{data::StringType()}));
  if (cast.size() == 1) {
    return MakeBound(std::move(cast), data::StringType(),
                     SliceKernel<>([](Text text) { return TrimBlanks(text, kSide); }));
  }
  if (!text_first) std::swap(cast[0], cast[1]);
  return MakeBound(std::move(cast), data::StringType(),
                   SliceKernel<Text>([](Text text, Text characters) {
                     return TrimCharacters(text, characters, kSide);
                   }));
}

// UTF8String.subStringIndex: what comes before the count-th delimiter, or after it from
// the end.
Text SubstringIndex(Text text, Text delimiter, int32_t count) {
  if (delimiter.empty() || count == 0) return {};
  if (count > 0) {
    size_t at = Text::npos;
    for (size_t from = 0; count > 0; --count, from = at + 1) {
      at = text.find(delimiter, from);
      if (at == Text::npos) return text;
    }
    return text.substr(0, at);
  }
  size_t at = Text::npos;
  for (size_t from = Text::npos; count < 0; ++count) {
    at = text.rfind(delimiter, from);
    if (at == Text::npos) return text;
    if (at == 0 && count < -1) return text;
    from = at - 1;
  }
  return text.substr(at + delimiter.size());
}

Result<bool> SplitPart(Text text, Text delimiter, int32_t part, std::string* out) {
  if (part == 0) {
    return Error(Fault::kData,
                 "The index 0 is invalid. An index shall be either < 0 or > 0 (the first "
                 "element has index 1).")
        .Class("INVALID_INDEX_OF_ZERO", "22003")
        .Java(kSparkRuntimeException);
  }
  if (delimiter.empty()) {
    if (part == 1 || part == -1) out->append(text);
    return true;
  }
  int64_t wanted = part;
  if (part < 0) {
    int64_t parts = 1;
    for (size_t at = text.find(delimiter); at != Text::npos;
         at = text.find(delimiter, at + delimiter.size())) {
      ++parts;
    }
    wanted = parts + part + 1;
    if (wanted < 1) return true;
  }
  size_t begin = 0;
  for (; wanted > 1; --wanted) {
    const size_t at = text.find(delimiter, begin);
    if (at == Text::npos) return true;
    begin = at + delimiter.size();
  }
  out->append(text.substr(begin, text.find(delimiter, begin) - begin));
  return true;
}

// --- joining

// Calls f(row, out) for each row of a text result; f says whether it is not null.
template <typename F>
Result<Value> BuildText(const KernelInput& in, F&& f) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  ViewBuilder out(rows);
  MILLRACE_RETURN_IF_ERROR(out.Allocate());
  for (int64_t row = 0; row < rows; ++row) {
    if (f(row, out.bytes())) {
      out.Commit();
    } else {
      MILLRACE_RETURN_IF_ERROR(out.AppendNull());
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
  return Value{std::move(array), constant};
}

Result<Value> ConcatText(const KernelInput& in) {
  std::vector<Reader<Text>> readers;
  readers.reserve(in.args.size());
  for (const Value& arg : in.args) readers.emplace_back(arg);
  return BuildText(in, [&](int64_t row, std::string* out) {
    for (const Reader<Text>& reader : readers) {
      if (reader.IsNull(row)) return false;
      out->append(reader[row]);
    }
    return true;
  });
}

// One argument of concat_ws: a string, or an array of strings.
class Joined {
 public:
  explicit Joined(const Value& value)
      : list_(dynamic_cast<const arrow::ListArray*>(value.array.get())),
        constant_(value.constant),
        nulls_(value),
        strings_(list_ != nullptr ? *list_->values() : *value.array,
                 list_ == nullptr && value.constant) {}

  void AppendTo(int64_t row, Text separator, bool* first, std::string* out) const {
    if (nulls_.IsNull(row)) return;
    if (list_ == nullptr) {
      AppendOne(row, separator, first, out);
      return;
    }
    const int64_t index = constant_ ? 0 : row;
    for (int64_t i = list_->value_offset(index); i < list_->value_offset(index + 1);
         ++i) {
      if (!strings_.IsNull(i)) AppendOne(i, separator, first, out);
    }
  }

 private:
  void AppendOne(int64_t index, Text separator, bool* first, std::string* out) const {
    if (!*first) out->append(separator);
    *first = false;
    out->append(strings_[index]);
  }

  const arrow::ListArray* list_;
  bool constant_;
  NullReader nulls_;
  Reader<Text> strings_;
};

Result<Value> JoinText(const KernelInput& in) {
  const Reader<Text> separators(in.args[0]);
  std::vector<Joined> parts;
  for (const Value& arg : in.args.subspan(1)) parts.emplace_back(arg);
  return BuildText(in, [&](int64_t row, std::string* out) {
    if (separators.IsNull(row)) return false;
    bool first = true;
    for (const Joined& part : parts) part.AppendTo(row, separators[row], &first, out);
    return true;
  });
}

Bound BindConcatWs(Args args) {
  std::vector<ExprPtr> cast;
  const data::TypePtr strings = data::ArrayOf(data::StringType());
  for (size_t i = 0; i < args.size(); ++i) {
    const bool list = i > 0 && args[i]->type()->id() == arrow::Type::LIST;
    MILLRACE_ASSIGN_OR_RETURN(
        ExprPtr arg, CastTo("concat_ws", args, i,
                            Wanted(list ? strings : data::StringType(),
                                   i > 0 ? "(\"ARRAY<STRING>\" or \"STRING\")" : "")));
    cast.push_back(std::move(arg));
  }
  const bool nullable = cast[0]->nullable();
  BoundFunction bound = MakeBound(std::move(cast), data::StringType(), JoinText);
  bound.nullable = nullable;
  return bound;
}

void AppendPadding(Text pad, int64_t characters, bool binary, std::string* out) {
  const int64_t size = binary ? static_cast<int64_t>(pad.size()) : CountCharacters(pad);
  for (; characters >= size; characters -= size) out->append(pad);
  out->append(pad.substr(
      0, binary ? static_cast<size_t>(characters) : SkipCharacters(pad, 0, characters)));
}

template <Side kSide>
Bound BindPad(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr text, TextOrBinary(name, args));
  const bool binary = IsBinary(text) && (args.size() < 3 || IsBinary(args[2]));
  const data::TypePtr type = binary ? data::BinaryType() : data::StringType();
  MILLRACE_ASSIGN_OR_RETURN(text, CastTo(name, args, 0, type));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr length, CastTo(name, args, 1, data::IntType()));
  ExprPtr pad = MakeString(binary ? Text("\0", 1) : Text(" "));
  if (args.size() > 2) {
    MILLRACE_ASSIGN_OR_RETURN(pad, CastTo(name, args, 2, type));
  }
  return MakeBound(
      {std::move(text), std::move(length), std::move(pad)}, type,
      TextKernel<Text, int32_t, Text>(
          [binary](Text value, int32_t wanted, Text padding, std::string* out) {
            if (wanted <= 0) return;
            const int64_t size =
                binary ? static_cast<int64_t>(value.size()) : CountCharacters(value);
            if (size >= wanted) {
              out->append(binary ? value.substr(0, static_cast<size_t>(wanted))
                                 : value.substr(0, SkipCharacters(value, 0, wanted)));
              return;
            }
            if (kSide == Side::kRight) out->append(value);
            if (!padding.empty()) AppendPadding(padding, wanted - size, binary, out);
            if (kSide == Side::kLeft) out->append(value);
          }));
}

void Overlay(Text text, Text replacement, int32_t position, int32_t length, bool binary,
             std::string* out) {
  const auto part = binary ? SubBinary : Substring;
  const auto clamped = [](int64_t value) {
    return static_cast<int32_t>(
        std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), kMaxInt));
  };
  const int64_t replaced = length >= 0
                               ? length
                               : (binary ? static_cast<int64_t>(replacement.size())
                                         : CountCharacters(replacement));
  out->append(part(text, 1, clamped(int64_t{position} - 1)));
  out->append(replacement);
  out->append(part(text, clamped(position + replaced), kMaxInt));
}

Bound BindOverlay(Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr text, TextOrBinary("overlay", args));
  const bool binary = IsBinary(text);
  const data::TypePtr type = text->type();
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr replacement, CastTo("overlay", args, 1, type));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr position,
                            CastTo("overlay", args, 2, data::IntType()));
  ExprPtr length = MakeInt(-1);
  if (args.size() > 3) {
    MILLRACE_ASSIGN_OR_RETURN(length, CastTo("overlay", args, 3, data::IntType()));
  }
  return MakeBound(
      {text, replacement, position, length}, type,
      TextKernel<Text, Text, int32_t, int32_t>(
          [binary](Text value, Text with, int32_t at, int32_t count, std::string* out) {
            Overlay(value, with, at, count, binary, out);
          }));
}

// --- replacing

void Replace(Text text, Text search, Text replacement, std::string* out) {
  if (search.empty()) {
    out->append(text);
    return;
  }
  size_t begin = 0;
  for (size_t at = text.find(search); at != Text::npos; at = text.find(search, begin)) {
    out->append(text.substr(begin, at - begin));
    out->append(replacement);
    begin = at + search.size();
  }
  out->append(text.substr(begin));
}

// Each character of `from` becomes the one at its place in `to`, or vanishes.
void Translate(Text text, Text from, Text to, std::string* out) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = SkipCharacters(text, at, 1);
    const Text character = text.substr(at, end - at);
    at = end;
    size_t other = 0;
    bool found = false;
    for (size_t i = 0; i < from.size() && !found;) {
      const size_t next = SkipCharacters(from, i, 1);
      const size_t other_next = SkipCharacters(to, other, 1);
      if (from.substr(i, next - i) == character) {
        found = true;
        out->append(to.substr(other, other_next - other));
      }
      i = next;
      other = other_next;
    }
    if (!found) out->append(character);
  }
}

void Reverse(Text text, std::string* out) {
  for (size_t end = text.size(); end > 0;) {
    size_t begin = end - 1;
    while (begin > 0 && IsContinuation(text[begin])) --begin;
    out->append(text.substr(begin, end - begin));
    end = begin;
  }
}

// --- finding

// The place of `part`, from 1 and in characters; 0 where it is not.
int32_t Find(Text text, Text part, int64_t skipped_characters) {
  if (part.empty()) return 1;
  const size_t at = text.find(part, SkipCharacters(text, 0, skipped_characters));
  if (at == Text::npos) return 0;
  return static_cast<int32_t>(CountCharacters(text.substr(0, at))) + 1;
}

Bound BindLocate(Text name, Args args) {
  if (args.size() == 2) {
    return BindWith(name, args, {data::StringType()}, data::IntType(),
                    BinaryKernel<Text, Text, int32_t>(
                        [](Text part, Text text) { return Find(text, part, 0); }));
  }
  // A null start gives 0, not null.
  const Kernel kernel = [](const KernelInput& in) -> Result<Value> {
    const Reader<Text> parts(in.args[0]);
    const Reader<Text> texts(in.args[1]);
    const Reader<int32_t> starts(in.args[2]);
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    FixedOutput<int32_t> out;
    MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
    const Validity all;
    NullOutput nulls(all, rows);
    for (int64_t row = 0; row < rows; ++row) {
      int32_t found = 0;
      if (!starts.IsNull(row)) {
        if (parts.IsNull(row) || texts.IsNull(row)) {
          MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
        } else if (starts[row] >= 1) {
          found = Find(texts[row], parts[row], starts[row] - 1);
        }
      }
      out.Set(row, found);
    }
    return MakeValue(in.type, rows, constant, nulls.Finish(), out.Finish());
  };
  return BindWith(name, args, {data::StringType(), data::StringType(), data::IntType()},
                  data::IntType(), kernel);
}

template <typename F>
Bound BindMatch(Text name, Args args, F test) {
  const bool binary = IsBinary(args[0]) && IsBinary(args[1]);
  const data::TypePtr type = binary ? data::BinaryType() : data::StringType();
  return BindWith(name, args, {type}, data::BooleanType(),
                  BinaryKernel<Text, Text, bool>(test));
}

int32_t FindInSet(Text word, Text list) {
  if (word.find(',') != Text::npos) return 0;
  int32_t place = 1;
  for (size_t begin = 0;; ++place) {
    const size_t end = list.find(',', begin);
    if (list.substr(begin, end - begin) == word) return place;
    if (end == Text::npos) return 0;
    begin = end + 1;
  }
}

const FunctionSpec kFunctions[] = {
    {"bit_length", 1, 1,
     [](Args args, const BindContext&) { return Bytes("bit_length", args, 8); },
     "The number of bits of a string in UTF-8, or of a binary.",
     "bit_length('abc') → 24"},
    {"btrim", 1, 2,
     [](Args args, const BindContext&) {
       return BindTrim<Side::kBoth>("btrim", args, true);
     },
     "Without the blanks, or the given characters, at both ends: btrim(text, "
     "characters).",
     "btrim('xax', 'x') → a"},
    {"char_length", 1, 1,
     [](Args args, const BindContext&) { return Length("char_length", args); },
     "The number of characters of a string, or of bytes of a binary.",
     "char_length('Spark SQL ') → 10"},
    {"character_length", 1, 1,
     [](Args args, const BindContext&) { return Length("character_length", args); },
     "The same as char_length.", "character_length('a ') → 2"},
    {"concat_ws", 1, -1, [](Args args, const BindContext&) { return BindConcatWs(args); },
     "Joins strings and arrays of strings with a separator, leaving out nulls.",
     "concat_ws(',', 'a', NULL, 'b') → a,b"},
    {"contains", 2, 2,
     [](Args args, const BindContext&) {
       return BindMatch("contains", args,
                        [](Text a, Text b) { return a.find(b) != Text::npos; });
     },
     "Whether the first string contains the second.", "contains('Spark', 'ar') → true"},
    {"endswith", 2, 2,
     [](Args args, const BindContext&) {
       return BindMatch("endswith", args, [](Text a, Text b) { return a.ends_with(b); });
     },
     "Whether the first string ends with the second.", "endswith('Spark', 'rk') → true"},
    {"find_in_set", 2, 2,
     [](Args args, const BindContext&) {
       return BindWith("find_in_set", args, {data::StringType()}, data::IntType(),
                       BinaryKernel<Text, Text, int32_t>(FindInSet));
     },
     "The place, from 1, of a word in a list with commas; 0 where it is not there.",
     "find_in_set('ab', 'abc,b,ab,c,def') → 3"},
    {"initcap", 1, 1,
     [](Args args, const BindContext&) { return MapCase<AppendTitle>("initcap", args); },
     "The first letter of each word in upper case, the others in lower case.",
     "initcap('sPark sql') → Spark Sql"},
    {"instr", 2, 2,
     [](Args args, const BindContext&) {
       return BindWith("instr", args, {data::StringType()}, data::IntType(),
                       BinaryKernel<Text, Text, int32_t>(
                           [](Text text, Text part) { return Find(text, part, 0); }));
     },
     "The place, from 1, where the second string first is in the first; 0 where it is "
     "not.",
     "instr('SparkSQL', 'SQL') → 6"},
    {"lcase", 1, 1,
     [](Args args, const BindContext&) { return MapCase<AppendLower>("lcase", args); },
     "The same as lower.", "lcase('SparkSql') → sparksql"},
    {"left", 2, 2, [](Args args, const BindContext&) { return BindLeft(args); },
     "The first characters.", "left('Spark SQL', 3) → Spa"},
    {"len", 1, 1, [](Args args, const BindContext&) { return Length("len", args); },
     "The same as char_length.", "len('abc') → 3"},
    {"length", 1, 1, [](Args args, const BindContext&) { return Length("length", args); },
     "The same as char_length.", "length('héllo') → 5"},
    {"locate", 2, 3,
     [](Args args, const BindContext&) { return BindLocate("locate", args); },
     "The place, from 1, where the first string is in the second, at or after a start.",
     "locate('bar', 'foobarbar', 5) → 7"},
    {"lower", 1, 1,
     [](Args args, const BindContext&) { return MapCase<AppendLower>("lower", args); },
     "In lower case.", "lower('SparkSql') → sparksql"},
    {"lpad", 2, 3,
     [](Args args, const BindContext&) { return BindPad<Side::kLeft>("lpad", args); },
     "Filled up on the left, or cut, to a number of characters.",
     "lpad('hi', 5, 'xy') → xyxhi"},
    {"ltrim", 1, 2,
     [](Args args, const BindContext&) { return BindTrim<Side::kLeft>("ltrim", args); },
     "Without the blanks, or the given characters, on the left: ltrim(characters, text).",
     "ltrim('Sp', 'SSparkSQLS') → arkSQLS"},
    {"octet_length", 1, 1,
     [](Args args, const BindContext&) { return Bytes("octet_length", args, 1); },
     "The number of bytes of a string in UTF-8, or of a binary.",
     "octet_length('héllo') → 6"},
    {"overlay", 3, 4, [](Args args, const BindContext&) { return BindOverlay(args); },
     "With another string from a place on: overlay(text, other, place[, replaced "
     "length]).",
     "overlay('Spark SQL', 'ANSI ', 7, 0) → Spark ANSI SQL"},
    {"position", 2, 3,
     [](Args args, const BindContext&) { return BindLocate("position", args); },
     "The same as locate.", "position('bar', 'foobarbar') → 4"},
    {"repeat", 2, 2,
     [](Args args, const BindContext&) {
       return BindWith(
           "repeat", args, {data::StringType(), data::IntType()}, data::StringType(),
           TextKernel<Text, int32_t>([](Text text, int32_t n, std::string* out) {
             for (; n > 0; --n) out->append(text);
           }));
     },
     "The string so many times.", "repeat('123', 2) → 123123"},
    {"replace", 2, 3,
     [](Args args, const BindContext&) -> Bound {
       MILLRACE_ASSIGN_OR_RETURN(
           std::vector<ExprPtr> cast,
           CastArguments("replace", args, std::array<Wanted, 1>{data::StringType()}));
       if (cast.size() == 2) cast.push_back(MakeString(""));
       return MakeBound(std::move(cast), data::StringType(),
                        TextKernel<Text, Text, Text>(Replace));
     },
     "With each occurrence of the second string replaced by the third.",
     "replace('ABCabc', 'abc', 'DEF') → ABCDEF"},
    {"right", 2, 2, [](Args args, const BindContext&) { return BindRight(args); },
     "The last characters.", "right('Spark SQL', 3) → SQL"},
    {"rpad", 2, 3,
     [](Args args, const BindContext&) { return BindPad<Side::kRight>("rpad", args); },
     "Filled up on the right, or cut, to a number of characters.",
     "rpad('hi', 5, 'ab') → hiaba"},
    {"rtrim", 1, 2,
     [](Args args, const BindContext&) { return BindTrim<Side::kRight>("rtrim", args); },
     "Without the blanks, or the given characters, on the right: rtrim(characters, "
     "text).",
     "rtrim('LQSa', 'SSparkSQLS') → SSpark"},
    {"space", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("space", args, {data::IntType()}, data::StringType(),
                       TextKernel<int32_t>([](int32_t count, std::string* out) {
                         out->append(static_cast<size_t>(std::max(count, 0)), ' ');
                       }));
     },
     "So many blanks.", "space(2) →   "},
    {"split_part", 3, 3,
     [](Args args, const BindContext&) {
       return BindWith("split_part", args,
                       {data::StringType(), data::StringType(), data::IntType()},
                       data::StringType(), TextKernel<Text, Text, int32_t>(SplitPart),
                       {.can_fail = true});
     },
     "One part of a string split at a delimiter, counted from 1, or from the end with "
     "-1.",
     "split_part('11.12.13', '.', 3) → 13"},
    {"startswith", 2, 2,
     [](Args args, const BindContext&) {
       return BindMatch("startswith", args,
                        [](Text a, Text b) { return a.starts_with(b); });
     },
     "Whether the first string starts with the second.",
     "startswith('Spark', 'Sp') → true"},
    {"substr", 2, 3,
     [](Args args, const BindContext&) { return BindSubstring("substr", args); },
     "The same as substring.", "substr('Spark SQL', 5, 1) → k"},
    {"substring", 2, 3,
     [](Args args, const BindContext&) { return BindSubstring("substring", args); },
     "The characters from a place on, counted from 1, or from the end with -1.",
     "substring('Spark SQL', -3) → SQL"},
    {"substring_index", 3, 3,
     [](Args args, const BindContext&) {
       return BindWith("substring_index", args,
                       {data::StringType(), data::StringType(), data::IntType()},
                       data::StringType(), SliceKernel<Text, int32_t>(SubstringIndex));
     },
     "What comes before the n-th delimiter, or after the n-th from the end.",
     "substring_index('www.apache.org', '.', 2) → www.apache"},
    {"translate", 3, 3,
     [](Args args, const BindContext&) {
       return BindWith("translate", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text, Text, Text>(Translate));
     },
     "With each character of the second string replaced by that of the third.",
     "translate('AaBbCc', 'abc', '123') → A1B2C3"},
    {"trim", 1, 2,
     [](Args args, const BindContext&) { return BindTrim<Side::kBoth>("trim", args); },
     "Without the blanks, or the given characters, at both ends: trim(characters, text).",
     "trim('SL', 'SSparkSQLS') → parkSQ"},
    {"ucase", 1, 1,
     [](Args args, const BindContext&) { return MapCase<AppendUpper>("ucase", args); },
     "The same as upper.", "ucase('SparkSql') → SPARKSQL"},
    {"upper", 1, 1,
     [](Args args, const BindContext&) { return MapCase<AppendUpper>("upper", args); },
     "In upper case.", "upper('straße') → STRASSE"},
};

}  // namespace

std::span<const FunctionSpec> StringFunctions() { return kFunctions; }

Result<BoundFunction> BindConcatText(std::span<const ExprPtr> args) {
  const bool binary = !args.empty() && std::all_of(args.begin(), args.end(), IsBinary);
  const data::TypePtr type = binary ? data::BinaryType() : data::StringType();
  const FunctionTraits traits;
  return BindWith("concat", args, {type}, type, ConcatText, traits);
}

Result<BoundFunction> BindReverseText(std::span<const ExprPtr> args) {
  return BindWith("reverse", args, {data::StringType()}, data::StringType(),
                  TextKernel<Text>(Reverse));
}

}  // namespace millrace::expr
