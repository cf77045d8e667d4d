// Text files: a row a line, in one column. Spark: TextFileFormat.
#pragma once

#include "base/options.h"
#include "connectors/file/row_file_writer.h"

namespace millrace::connectors::file {

/// One line a row; null is an empty line.
Result<RowFileFormat> TextLinesFormat(const Options& options,
                                      const std::string& session_time_zone);
/// Errors: more than one column, or one that is no string.
Status CheckTextSchema(const data::SchemaPtr& schema);

}  // namespace millrace::connectors::file
