// The options of the file sources and sinks, as tables.
#pragma once

#include <span>

#include "base/options.h"

namespace millrace::connectors::file {

std::span<const OptionSpec> ParquetSourceOptions();
std::span<const OptionSpec> JsonSourceOptions();
std::span<const OptionSpec> CsvSourceOptions();
std::span<const OptionSpec> TextSourceOptions();
std::span<const OptionSpec> ParquetSinkOptions();
std::span<const OptionSpec> JsonSinkOptions();
std::span<const OptionSpec> CsvSinkOptions();
std::span<const OptionSpec> TextSinkOptions();

}  // namespace millrace::connectors::file
