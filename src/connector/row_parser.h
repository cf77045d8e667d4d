// Turns text records into rows. Connectors that read text get a factory of these from
// whoever registers them, since the parsers belong to the engine, which connectors may
// not include.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connector {

/// Parses records of one schema. Reused for all records of a file.
///
/// Threading: one thread at a time.
class RowParser {
 public:
  virtual ~RowParser() = default;

  /// The rows of `lines`, in order; a record may give no row or several. The result owns
  /// its bytes: the lines' memory is reused after the call. Malformed records are treated
  /// as the options say (`mode`, `columnNameOfCorruptRecord`).
  virtual Result<data::Batch> Parse(std::span<const std::string_view> lines) = 0;
};

/// Makes a parser for the columns of `schema`. `options` are those of the source;
/// `time_zone` is the session's.
using RowParserFactory = std::function<Result<std::unique_ptr<RowParser>>(
    const data::SchemaPtr& schema, const Options& options, const std::string& time_zone)>;

}  // namespace millrace::connector
