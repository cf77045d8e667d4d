// Reads the lake of refined orders in batch: the first rows, and what each user spent.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

#include "millrace/millrace.h"
#include "not_empty.h"

using namespace millrace;             // NOLINT: reads like the PySpark original
using namespace millrace::functions;  // NOLINT

namespace {

Status Summarize(const std::string& lake) {
  MILLRACE_ASSIGN_OR_RETURN(
      const SparkSession spark,
      SparkSession::Builder().Config("spark.sql.session.timeZone", "UTC").GetOrCreate());
  const DataFrame orders = spark.Read().Parquet(lake);
  MILLRACE_RETURN_IF_ERROR(orders.Show(20, false));
  return orders.GroupBy("user_id")
      .Agg(Count(Col("*")).Alias("orders"), Round(Sum(Col("amount")), 2).Alias("revenue"))
      .OrderBy("user_id")
      .Show(100, false);
}

}  // namespace

int main(int argc, char** argv) {
  std::string lake = "data/refined_orders";
  CLI::App program("Shows the lake of refined orders and a summary per user.");
  program.add_option("--output", lake, "Folder of the Parquet lake.")
      ->check(orders::NotEmpty)
      ->capture_default_str();
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  const Status status = Summarize(lake);
  if (status.ok()) return 0;
  std::fprintf(stderr, "ecommerce_summary: %s\n", status.ToString().c_str());
  return 1;
}
