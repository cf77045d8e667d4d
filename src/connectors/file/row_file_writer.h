// Writes rows as one file of some format. What a file sink needs to know about a format.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

/// Writes one file. Used by one thread, used once.
class RowFileWriter {
 public:
  virtual ~RowFileWriter() = default;
  virtual Status Write(const data::Batch& batch) = 0;
  /// Appends what is left to the file, which is neither synced nor closed. Last call.
  virtual Status Close() = 0;
};

/// A format and its settings.
struct RowFileFormat {
  std::string extension;  // ".snappy.parquet"
  /// Starts a file of the schema's columns. `file` outlives the writer.
  std::function<Result<std::unique_ptr<RowFileWriter>>(WritableFile& file,
                                                       const data::SchemaPtr& schema)>
      open;
};

}  // namespace millrace::connectors::file
