#include "connectors/file/file_options.h"

#include <array>
#include <cstddef>

#include "connectors/file/file_sink.h"

namespace millrace::connectors::file {
namespace {

constexpr OptionSpec kSourceOptions[] = {
    {.key = "path", .help = "A file, a folder or a glob; load(path) means the same."},
    {.key = "paths", .help = "Several of them, as a JSON array."},
    {.key = "recursiveFileLookup",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Reads every folder below, and makes no partition columns of their names."},
    {.key = "pathGlobFilter", .help = "Only files whose name matches, e.g. *.json."},
    {.key = "basePath",
     .help = "The folder below which k=v folders are partition columns."},
    {.key = "maxFilesPerTrigger",
     .type = OptionType::kInteger,
     .help = "Streams: at most so many new files a batch."},
    {.key = "maxBytesPerTrigger",
     .type = OptionType::kInteger,
     .help = "Streams: a batch ends with the file that reaches so many bytes."},
    {.key = "latestFirst",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Streams: the newest files first."},
    {.key = "fileNameOnly",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Streams: files of the same name in different folders are the same."},
    {.key = "maxFileAge",
     .fallback = "7d",
     .help = "Streams: files so much older than the newest one are ignored. Has no "
             "effect with "
             "latestFirst and maxFilesPerTrigger."},
    {.key = "modifiedBefore",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "modifiedAfter",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "cleanSource", .help = "Known to Spark; not built yet.", .supported = false},
    {.key = "sourceArchiveDir",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "maxCachedFiles",
     .type = OptionType::kInteger,
     .help = "Accepted without effect: a listing is never kept."},
    {.key = "discardCachedInputRatio",
     .help = "Accepted without effect, as maxCachedFiles."},
    {.key = "ignoreCorruptFiles",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "ignoreMissingFiles",
     .help = "Known to Spark; not built yet.",
     .supported = false},
};

constexpr OptionSpec kParquetOptions[] = {
    {.key = "mergeSchema",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Without .schema(…): the columns of all files instead of the first one's."},
    {.key = "datetimeRebaseMode",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "int96RebaseMode",
     .help = "Known to Spark; not built yet.",
     .supported = false},
};

constexpr OptionSpec kTextOptions[] = {
    {.key = "mode",
     .fallback = "PERMISSIVE",
     .help =
         "What a malformed record does: PERMISSIVE gives nulls, DROPMALFORMED no row, "
         "FAILFAST an error."},
    {.key = "columnNameOfCorruptRecord",
     .fallback = "_corrupt_record",
     .help = "A string column of this name in the schema gets the text of malformed "
             "records."},
    {.key = "timestampFormat",
     .help = "A java.time pattern; without it, Spark's cast rules."},
    {.key = "timestampNTZFormat", .help = "The same for timestamp_ntz."},
    {.key = "dateFormat", .help = "A java.time pattern for dates."},
    {.key = "timeZone", .help = "Of timestamps without zone; the session's by default."},
    {.key = "multiLine",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Records may span lines; a JSON file is one document."},
    {.key = "lineSep", .help = "Between records; by default any of \\r, \\r\\n and \\n."},
    {.key = "samplingRatio", .help = "Accepted without effect: all rows are looked at."},
    {.key = "locale", .help = "Known to Spark; not built yet.", .supported = false},
    {.key = "encoding",
     .help = "Known to Spark; not built yet: UTF-8.",
     .supported = false},
    {.key = "charset",
     .help = "Known to Spark; not built yet: UTF-8.",
     .supported = false},
};

constexpr OptionSpec kJsonOptions[] = {
    {.key = "primitivesAsString",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Without .schema(…): numbers and booleans become strings."},
    {.key = "prefersDecimal",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Fractions as decimals rather than doubles."},
    {.key = "allowComments",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Java and C++ comments are skipped."},
    {.key = "allowUnquotedFieldNames",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "{a: 1}"},
    {.key = "allowSingleQuotes",
     .type = OptionType::kBoolean,
     .fallback = "true",
     .help = "{'a': 1}"},
    {.key = "allowNumericLeadingZeros",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "{\"a\": 007}"},
    {.key = "allowNonNumericNumbers",
     .type = OptionType::kBoolean,
     .fallback = "true",
     .help = "NaN and Infinity without quotes."},
    {.key = "allowBackslashEscapingAnyCharacter",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "\\x for any x."},
    {.key = "allowUnquotedControlChars",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Control characters inside strings."},
    {.key = "dropFieldIfAllNull",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "inferTimestamp",
     .help = "Known to Spark; not built yet.",
     .supported = false},
};

constexpr OptionSpec kCsvOptions[] = {
    {.key = "header",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "The first line of each file names the columns."},
    {.key = "sep", .fallback = ",", .help = "Between cells; one or more characters."},
    {.key = "delimiter", .help = "The same as sep."},
    {.key = "quote", .fallback = "\"", .help = "Around cells that hold separators."},
    {.key = "escape", .fallback = "\\", .help = "Before a quote inside quotes."},
    {.key = "comment", .help = "Lines that begin with this character are skipped."},
    {.key = "nullValue", .fallback = "", .help = "The text that means null."},
    {.key = "emptyValue", .fallback = "", .help = "What \"\" in quotes means."},
    {.key = "inferSchema",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help =
         "Without .schema(…): looks at all rows for int, bigint, decimal, double, date, "
         "timestamp, boolean; strings otherwise."},
    {.key = "preferDate",
     .type = OptionType::kBoolean,
     .fallback = "true",
     .help = "Whether inferSchema may find dates."},
    {.key = "enforceSchema",
     .type = OptionType::kBoolean,
     .fallback = "true",
     .help = "Columns go by position; false compares the header with the schema."},
    {.key = "ignoreLeadingWhiteSpace",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Blanks before a cell are dropped."},
    {.key = "ignoreTrailingWhiteSpace",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Blanks after a cell are dropped."},
    {.key = "nanValue", .fallback = "NaN", .help = "The text of a number that is none."},
    {.key = "positiveInf", .fallback = "Inf", .help = "The text of positive infinity."},
    {.key = "negativeInf", .fallback = "-Inf", .help = "The text of negative infinity."},
    {.key = "maxColumns",
     .type = OptionType::kInteger,
     .help = "Accepted without effect."},
    {.key = "maxCharsPerColumn",
     .type = OptionType::kInteger,
     .help = "Accepted without effect."},
    {.key = "charToEscapeQuoteEscaping",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "unescapedQuoteHandling",
     .help = "Known to Spark; not built yet.",
     .supported = false},
};

constexpr OptionSpec kLineOptions[] = {
    {.key = "wholetext",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Each file is one row."},
    {.key = "lineSep", .help = "Between rows; by default any of \\r, \\r\\n and \\n."},
    {.key = "encoding",
     .help = "Known to Spark; not built yet: UTF-8.",
     .supported = false},
};

constexpr OptionSpec kSinkOptions[] = {
    {.key = "path",
     .help = "The lake's folder; start(path) and save(path) mean the same."},
    {.key = "checkpointLocation",
     .help = "Streams: where progress is kept; read by the engine."},
    {.key = "maxRecordsPerFile",
     .type = OptionType::kInteger,
     .fallback = "0",
     .help = "A file ends after so many rows; 0: no limit."},
    {.key = kStagingPathOption,
     .help = "Where files lie until they are committed, on the lake's file system and "
             "outside "
             "it; by default a hidden folder beside the lake."},
    {.key = "partitionOverwriteMode",
     .help = "Known to Spark; not built yet.",
     .supported = false},
    {.key = "retention", .help = "Known to Spark; not built yet.", .supported = false},
};

constexpr OptionSpec kParquetCompression[] = {
    {.key = "compression",
     .fallback = "snappy",
     .help = "none, uncompressed, snappy, gzip, lz4, lz4_raw, brotli or zstd."},
};

constexpr OptionSpec kTextSinkOptions[] = {
    {.key = "compression", .help = "Known to Spark; not built yet.", .supported = false},
    {.key = "timestampFormat",
     .fallback = "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]",
     .help = "A java.time pattern."},
    {.key = "timestampNTZFormat",
     .fallback = "yyyy-MM-dd'T'HH:mm:ss[.SSS]",
     .help = "The same for timestamp_ntz."},
    {.key = "dateFormat", .fallback = "yyyy-MM-dd", .help = "A java.time pattern."},
    {.key = "timeZone", .help = "Of timestamps; the session's by default."},
    {.key = "lineSep", .fallback = "\\n", .help = "After each record."},
};

constexpr OptionSpec kJsonSinkOptions[] = {
    {.key = "ignoreNullFields",
     .type = OptionType::kBoolean,
     .fallback = "true",
     .help = "Fields that are null are left out."},
};

constexpr OptionSpec kCsvSinkOptions[] = {
    {.key = "header",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Each file begins with the columns' names."},
    {.key = "sep", .fallback = ",", .help = "Between cells."},
    {.key = "delimiter", .help = "The same as sep."},
    {.key = "quote", .fallback = "\"", .help = "Around cells that hold separators."},
    {.key = "escape", .fallback = "\\", .help = "Before a quote inside quotes."},
    {.key = "nullValue", .fallback = "", .help = "Written for null."},
    {.key = "emptyValue", .fallback = "\"\"", .help = "Written for empty strings."},
    {.key = "quoteAll",
     .type = OptionType::kBoolean,
     .fallback = "false",
     .help = "Every cell in quotes."},
};

constexpr OptionSpec kLineSinkOptions[] = {
    {.key = "lineSep", .fallback = "\\n", .help = "After each row."},
    {.key = "compression", .help = "Known to Spark; not built yet.", .supported = false},
};

template <size_t... kSizes>
constexpr auto Join(const OptionSpec (&... tables)[kSizes]) {
  std::array<OptionSpec, (kSizes + ...)> all{};
  size_t at = 0;
  auto append = [&](const auto& table) {
    for (const OptionSpec& spec : table) all[at++] = spec;
  };
  (append(tables), ...);
  return all;
}

constexpr auto kParquetSource = Join(kSourceOptions, kParquetOptions);
constexpr auto kJsonSource = Join(kSourceOptions, kTextOptions, kJsonOptions);
constexpr auto kCsvSource = Join(kSourceOptions, kTextOptions, kCsvOptions);
constexpr auto kTextSource = Join(kSourceOptions, kLineOptions);
constexpr auto kParquetSink = Join(kSinkOptions, kParquetCompression);
constexpr auto kJsonSink = Join(kSinkOptions, kTextSinkOptions, kJsonSinkOptions);
constexpr auto kCsvSink = Join(kSinkOptions, kTextSinkOptions, kCsvSinkOptions);
constexpr auto kTextSink = Join(kSinkOptions, kLineSinkOptions);

}  // namespace

std::span<const OptionSpec> ParquetSourceOptions() { return kParquetSource; }
std::span<const OptionSpec> JsonSourceOptions() { return kJsonSource; }
std::span<const OptionSpec> CsvSourceOptions() { return kCsvSource; }
std::span<const OptionSpec> TextSourceOptions() { return kTextSource; }
std::span<const OptionSpec> ParquetSinkOptions() { return kParquetSink; }
std::span<const OptionSpec> JsonSinkOptions() { return kJsonSink; }
std::span<const OptionSpec> CsvSinkOptions() { return kCsvSink; }
std::span<const OptionSpec> TextSinkOptions() { return kTextSink; }

}  // namespace millrace::connectors::file
