#include "app/json_parser.h"

#include <arrow/type.h>

#include <chrono>

#include "expr/json_reader.h"

namespace millrace::app {
namespace {

class JsonParser final : public connector::RowParser {
 public:
  explicit JsonParser(std::unique_ptr<expr::JsonReader> reader)
      : reader_(std::move(reader)) {}

  Result<data::Batch> Parse(std::span<const std::string_view> lines) override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return reader_->ReadLines(
        lines, std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  }

 private:
  const std::unique_ptr<expr::JsonReader> reader_;
};

}  // namespace

Result<std::unique_ptr<connector::RowParser>> MakeJsonParser(
    const data::SchemaPtr& schema, const Options& options, const std::string& time_zone) {
  MILLRACE_ASSIGN_OR_RETURN(expr::JsonReadOptions how,
                            expr::JsonReadOptions::Make(options, time_zone, "json"));
  MILLRACE_ASSIGN_OR_RETURN(
      std::unique_ptr<expr::JsonReader> reader,
      expr::JsonReader::Make(arrow::struct_(schema->fields()), std::move(how)));
  return std::unique_ptr<connector::RowParser>(
      std::make_unique<JsonParser>(std::move(reader)));
}

}  // namespace millrace::app
