// What the interfaces of this module define themselves: the rest are pure virtual.
#include "base/error.h"
#include "connector/sink.h"
#include "connector/source.h"

namespace millrace::connector {
namespace {

constexpr std::string_view kCancelledClass = "OPERATION_CANCELED";

}  // namespace

Status Cancelled() {
  return Error(Fault::kInternal, "The operation was told to stop.")
      .Class(kCancelledClass, "HY008")
      .Java(kSparkException);
}

bool IsCancelled(const Status& status) {
  return !status.ok() && status.error().error_class == kCancelledClass;
}

Result<std::unique_ptr<Sink>> SinkProvider::MakeBatch(const Options&,
                                                      const data::SchemaPtr&,
                                                      const SinkContext&,
                                                      SaveMode) const {
  return UnsupportedError(
      "Format '{}' can only be written as a stream, found: df.write. Use df.writeStream, "
      "or another format.",
      name());
}

}  // namespace millrace::connector
