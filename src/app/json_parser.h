// Lets file connectors read JSON with the engine's parser, which they may not include.
#pragma once

#include "connector/row_parser.h"

namespace millrace::app {

/// A connector::RowParserFactory over expr::JsonReader.
Result<std::unique_ptr<connector::RowParser>> MakeJsonParser(
    const data::SchemaPtr& schema, const Options& options, const std::string& time_zone);

}  // namespace millrace::app
