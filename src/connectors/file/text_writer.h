// JSON and CSV files as Spark writes them. Spark: JacksonGenerator, UnivocityGenerator.
#pragma once

#include "base/options.h"
#include "connectors/file/row_file_writer.h"

namespace millrace::connectors::file {

/// One object a line, nulls left out.
Result<RowFileFormat> JsonLinesFormat(const Options& options,
                                      const std::string& session_time_zone);
Status CheckJsonSchema(const data::SchemaPtr& schema);

Result<RowFileFormat> CsvLinesFormat(const Options& options,
                                     const std::string& session_time_zone);
/// Errors: a column that is no single value.
Status CheckCsvSchema(const data::SchemaPtr& schema);

}  // namespace millrace::connectors::file
