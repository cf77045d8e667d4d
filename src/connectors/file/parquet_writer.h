// Parquet files as Spark, pyarrow, polars and DuckDB read them.
#pragma once

#include "base/options.h"
#include "connectors/file/row_file_writer.h"

namespace millrace::connectors::file {

/// Spark's key for the schema in a Parquet file's footer.
inline constexpr std::string_view kSparkRowMetadata =
    "org.apache.spark.sql.parquet.row.metadata";

/// From the option `compression`. Row groups end at a million rows or about 64 MiB of
/// values, whichever comes first; so much memory an open file may take. Errors:
/// CODEC_NOT_AVAILABLE.
Result<RowFileFormat> ParquetFileFormat(const Options& options);

/// Errors: UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE for a column Parquet cannot hold.
Status CheckParquetSchema(const data::SchemaPtr& schema);

}  // namespace millrace::connectors::file
