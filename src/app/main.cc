// The command line: millrace show, millrace handover.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

#include "app/engine.h"
#include "app/handover.h"
#include "millrace/millrace.h"

namespace {

struct ShowArguments {
  std::string path;
  int limit = 20;
  bool schema = false;
  bool count = false;
};

// Prints a table of Parquet files as spark.read.parquet(path) would.
millrace::Status Show(const ShowArguments& arguments) {
  MILLRACE_ASSIGN_OR_RETURN(const millrace::SparkSession spark,
                            millrace::SparkSession::Builder().GetOrCreate());
  const millrace::DataFrame table = spark.Read().Parquet(arguments.path);
  if (arguments.schema) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string schema, table.SchemaTree());
    std::printf("%s\n", schema.c_str());
  }
  if (arguments.count) {
    MILLRACE_ASSIGN_OR_RETURN(const int64_t rows, table.Count());
    std::printf("%lld\n", static_cast<long long>(rows));
  }
  if (arguments.schema || arguments.count) return millrace::Status::OK();
  return table.Show(arguments.limit, false);
}

int Report(const millrace::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "millrace: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Millrace runs Spark Structured Streaming pipelines natively.");
  program.require_subcommand(1);

  ShowArguments show_arguments;
  CLI::App* show = program.add_subcommand("show", "Print a table of Parquet files.");
  show->add_option("path", show_arguments.path, "Folder or file.")->required();
  show->add_option("--limit", show_arguments.limit, "How many rows to print.")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  show->add_flag("--schema", show_arguments.schema, "Print the schema instead of rows.");
  show->add_flag("--count", show_arguments.count, "Print the number of rows instead of rows.");

  millrace::app::HandoverArguments handover_arguments;
  std::string to;
  CLI::App* handover = program.add_subcommand(
      "handover", "Hand a stateless query and its lake over to Spark, or take them over.");
  handover->add_option("--checkpoint", handover_arguments.checkpoint, "The query's checkpoint.")
      ->required();
  handover->add_option("--lake", handover_arguments.lake, "The folder the query writes.")
      ->required();
  handover->add_option("--to", to, "Who goes on with the query.")
      ->required()
      ->check(CLI::IsMember({"spark", "millrace"}));

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = program.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (handover->parsed()) {
    using millrace::app::HandoverTo;
    handover_arguments.to = to == "spark" ? HandoverTo::kSpark : HandoverTo::kMillrace;
    return Report(millrace::app::Handover(millrace::app::Engine::Instance().file_system(),
                                          handover_arguments));
  }
  return Report(Show(show_arguments));
}
