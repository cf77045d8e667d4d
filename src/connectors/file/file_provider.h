// The file formats one can read and write: parquet, json, csv, text.
#pragma once

#include <memory>

#include "connector/row_parser.h"
#include "connector/sink.h"
#include "connector/source.h"

namespace millrace::connectors::file {

std::unique_ptr<connector::SourceProvider> MakeParquetProvider();
/// `parsers` turns JSON documents into rows.
std::unique_ptr<connector::SourceProvider> MakeJsonProvider(
    connector::RowParserFactory parsers);
std::unique_ptr<connector::SourceProvider> MakeCsvProvider();
std::unique_ptr<connector::SourceProvider> MakeTextProvider();

std::unique_ptr<connector::SinkProvider> MakeParquetSinkProvider();
std::unique_ptr<connector::SinkProvider> MakeJsonSinkProvider();
std::unique_ptr<connector::SinkProvider> MakeCsvSinkProvider();
std::unique_ptr<connector::SinkProvider> MakeTextSinkProvider();

}  // namespace millrace::connectors::file
