#include "expr/functions/like_pattern.h"

#include <algorithm>

#include "base/error.h"
#include "expr/expr.h"
#include "expr/functions/utf8.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

std::string Quoted(std::string_view text) {
  const auto literal = MakeString(text);
  return SqlValue(*static_cast<const Literal&>(*literal).value(), 0,
                  *data::TimeZone::Utc());
}

}  // namespace

Result<std::shared_ptr<const LikePattern>> LikePattern::Compile(std::string_view pattern,
                                                                std::string_view escape) {
  auto compiled = std::make_shared<LikePattern>();
  std::vector<Segment>& segments = compiled->segments_;
  segments.emplace_back();
  const auto append = [&](std::string_view text) {
    Segment& segment = segments.back();
    if (segment.empty() || segment.back().any_character) segment.emplace_back();
    segment.back().text.append(text);
  };
  for (size_t at = 0; at < pattern.size();) {
    size_t end = SkipCharacters(pattern, at, 1);
    std::string_view character = pattern.substr(at, end - at);
    if (character == escape) {
      if (end >= pattern.size()) {
        return AnalysisError(
                   "INVALID_FORMAT.ESC_AT_THE_END", "42601",
                   "The format is invalid: {}. The escape character is not allowed "
                   "to end with.",
                   Quoted(pattern))
            .Param("format", Quoted(pattern));
      }
      at = end;
      end = SkipCharacters(pattern, at, 1);
      character = pattern.substr(at, end - at);
      if (character != "_" && character != "%" && character != escape) {
        return AnalysisError(
                   "INVALID_FORMAT.ESC_IN_THE_MIDDLE", "42601",
                   "The format is invalid: {}. The escape character is not allowed "
                   "to precede {}.",
                   Quoted(pattern), Quoted(character))
            .Param("format", Quoted(pattern))
            .Param("char", Quoted(character));
      }
      append(character);
    } else if (character == "%") {
      segments.emplace_back();
    } else if (character == "_") {
      segments.back().push_back({"", true});
    } else {
      append(character);
    }
    at = end;
  }
  return std::shared_ptr<const LikePattern>(std::move(compiled));
}

bool LikePattern::MatchAt(const Segment& segment, std::string_view text, size_t at,
                          size_t* end) {
  for (const Piece& piece : segment) {
    if (piece.any_character) {
      if (at >= text.size()) return false;
      at = SkipCharacters(text, at, 1);
    } else {
      if (!text.substr(at).starts_with(piece.text)) return false;
      at += piece.text.size();
    }
  }
  *end = at;
  return true;
}

bool LikePattern::Matches(std::string_view text) const {
  size_t at = 0;
  if (!MatchAt(segments_.front(), text, 0, &at)) return false;
  if (segments_.size() == 1) return at == text.size();
  // Each segment in the middle goes where it fits first; the last one must meet the end.
  for (size_t i = 1; i + 1 < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.empty()) continue;
    for (size_t end = 0;; at = SkipCharacters(text, at, 1)) {
      if (!segment.front().any_character) {
        at = text.find(segment.front().text, at);
        if (at == std::string_view::npos) return false;
      }
      if (MatchAt(segment, text, at, &end)) {
        at = end;
        break;
      }
      if (at >= text.size()) return false;
    }
  }
  const Segment& last = segments_.back();
  size_t begin = text.size();
  for (auto piece = last.rbegin(); piece != last.rend(); ++piece) {
    if (!piece->any_character) {
      if (begin - at < piece->text.size()) return false;
      begin -= piece->text.size();
    } else {
      if (begin <= at) return false;
      --begin;
      while (begin > at && IsContinuation(text[begin])) --begin;
    }
  }
  size_t end = 0;
  return MatchAt(last, text, begin, &end) && end == text.size();
}

}  // namespace millrace::expr
