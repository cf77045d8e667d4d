// A format that files are read in. One object serves all files of a source.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/options.h"
#include "connector/row_parser.h"
#include "connector/source.h"
#include "connectors/file/file_listing.h"

namespace millrace::connectors::file {

/// What reading a file needs besides its path.
struct ReadContext {
  FileSystem* fs = nullptr;
  Options options;
  std::string time_zone = "UTC";
};

/// Threading: any thread.
class FileFormat {
 public:
  virtual ~FileFormat() = default;
  /// Spark's short name.
  virtual std::string_view name() const = 0;
  virtual std::span<const OptionSpec> options() const = 0;

  /// The columns that all files of the format have; null where that depends on the file.
  virtual data::SchemaPtr FixedSchema() const { return nullptr; }

  /// The columns of files without .schema(…). At least one file.
  virtual Result<data::SchemaPtr> InferSchema(std::span<const DataFile> files,
                                              const ReadContext& context) const = 0;

  /// Errors: a column of a type the format cannot give.
  virtual Status CheckSchema(const data::SchemaPtr& schema) const = 0;

  /// Reads the columns `wanted`, in that order, of a file whose columns are `schema`.
  /// `wanted` is a part of `schema` and may be empty: batches without columns then have
  /// the row count.
  virtual Result<std::unique_ptr<connector::Reader>> Open(
      const std::string& path, const data::SchemaPtr& schema,
      const data::SchemaPtr& wanted, const ReadContext& context) const = 0;
};

std::unique_ptr<FileFormat> MakeParquetFormat();
std::unique_ptr<FileFormat> MakeJsonFormat(connector::RowParserFactory parsers);
std::unique_ptr<FileFormat> MakeCsvFormat();
std::unique_ptr<FileFormat> MakeTextFormat();

/// The type with nulls allowed everywhere: what Spark makes of a file's schema.
data::TypePtr AsNullable(const data::TypePtr& type);
data::SchemaPtr AsNullable(const arrow::Schema& schema);

}  // namespace millrace::connectors::file
