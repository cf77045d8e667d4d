// Expressions in sessions of other time zones.
#include <fstream>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include "expr/cast.h"
#include "sql_expression.h"

namespace millrace::expr {
namespace {

const data::TimeZone& Zone(std::string_view id) { return **data::TimeZone::Find(id); }

std::string Evaluated(std::string_view sql, std::string_view zone,
                      int64_t now_micros = 0) {
  const Result<ExprPtr> expr = ParseExpression(sql, zone);
  if (!expr.ok()) return expr.status().ToString();
  const Result<ExprPtr> text = MakeCast(*expr, data::StringType());
  if (!text.ok()) return text.status().ToString();
  const data::Batch row = arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}), 1,
                                                   std::vector<data::ArrayPtr>{});
  const Result<data::ArrayPtr> array =
      EvaluateToArray(**text, row, EvalContext{&Zone(zone), now_micros});
  if (!array.ok()) return array.status().ToString();
  const std::string type = data::SimpleTypeName(*(*expr)->type()) + ": ";
  if ((*array)->IsNull(0)) return type + "NULL";
  return type +
         std::string(static_cast<const arrow::StringViewArray&>(**array).GetView(0));
}

TEST(DateTime, FollowsTheSessionTimeZoneAsSparkDoes) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/expr/testdata/spark_time_zones.txt");
  std::string zone;
  std::string sql;
  int compared = 0;
  constexpr std::string_view kArrow = "  → ";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("zone ")) {
      zone = line.substr(5);
    } else if (line.starts_with(kArrow)) {
      EXPECT_EQ(Evaluated(sql, zone), line.substr(kArrow.size()))
          << sql << " in " << zone;
      ++compared;
    } else {
      sql = line;
    }
  }
  EXPECT_GT(compared, 800);
}

TEST(DateTime, NowIsThatOfTheBatch) {
  constexpr int64_t kNow = 1709164800'123456;  // 2024-02-29 00:00:00.123456 UTC
  EXPECT_EQ(Evaluated("now()", "UTC", kNow), "timestamp: 2024-02-29 00:00:00.123456");
  EXPECT_EQ(Evaluated("current_timestamp()", "America/New_York", kNow),
            "timestamp: 2024-02-28 19:00:00.123456");
  EXPECT_EQ(Evaluated("current_date()", "America/New_York", kNow), "date: 2024-02-28");
  EXPECT_EQ(Evaluated("localtimestamp()", "Asia/Tokyo", kNow),
            "timestamp_ntz: 2024-02-29 09:00:00.123456");
  EXPECT_EQ(Evaluated("unix_timestamp()", "Asia/Tokyo", kNow), "bigint: 1709164800");
  EXPECT_EQ(Evaluated("current_timezone()", "Asia/Tokyo", kNow), "string: Asia/Tokyo");
}

}  // namespace
}  // namespace millrace::expr
