#include "base/error.h"

#include <gmock/gmock.h>

#include "base/uuid.h"

namespace millrace {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return ArgumentError("Wanted an even number, found: {}.", n);
  return n / 2;
}

Result<int> Quarter(int n) {
  MILLRACE_ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

Status CheckQuarter(int n) {
  MILLRACE_RETURN_IF_ERROR(Quarter(n).status());
  return Status::OK();
}

TEST(Status, PrintsAsSparkDoes) {
  const Status status = AnalysisError("A.B", "42000", "Found {}.", 5);
  EXPECT_EQ(status.ToString(), "[A.B] Found 5. SQLSTATE: 42000");
  EXPECT_EQ(Status::OK().ToString(), "OK");
  EXPECT_EQ(Status(AnalysisError("_LEGACY_ERROR_TEMP_1", "", "Found {}.", 5)).ToString(),
            "Found 5.");
  EXPECT_EQ(
      Status(AnalysisError("A.B", "42000", "Found it. SQLSTATE: 42000\nhere")).ToString(),
      "[A.B] Found it. SQLSTATE: 42000\nhere");
  EXPECT_EQ(Status(ArgumentError("No {}.", "way")).ToString(), "No way.");
}

TEST(Status, MacrosPassTheFirstErrorOn) {
  EXPECT_TRUE(CheckQuarter(8).ok());
  EXPECT_EQ(CheckQuarter(6).error().message, "Wanted an even number, found: 3.");
  EXPECT_EQ(CheckQuarter(5).error().message, "Wanted an even number, found: 5.");
}

TEST(Error, KindsSayWhoseFaultItIs) {
  EXPECT_EQ(Status(ArgumentError("x")).error().fault, Fault::kUser);
  EXPECT_EQ(Status(UnsupportedError("x")).error().sql_state, "0A000");
  EXPECT_EQ(Status(InternalError("x")).error().fault, Fault::kInternal);
  EXPECT_FALSE(Status(InternalError("x")).error().retryable);
  const Status external = ExternalError("x");
  EXPECT_EQ(external.error().fault, Fault::kExternal);
  EXPECT_TRUE(external.error().retryable);
  const Status final_one = ExternalError("x").Retryable(false).Param("k", "v");
  EXPECT_FALSE(final_one.error().retryable);
  EXPECT_EQ(final_one.error().parameters.at("k"), "v");
}

TEST(Error, BecomesAnyResult) {
  const Result<std::unique_ptr<int>> pointer = InternalError("x");
  EXPECT_FALSE(pointer.ok());
  const Result<std::string> text = InternalError("x");
  EXPECT_FALSE(text.ok());
  const Result<std::optional<std::string>> maybe = InternalError("x");
  EXPECT_FALSE(maybe.ok());
}

TEST(Uuid, IsRandomAndOfVersion4) {
  const std::string a = MakeUuid();
  EXPECT_THAT(a, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                                       "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(a, MakeUuid());
}

}  // namespace
}  // namespace millrace
