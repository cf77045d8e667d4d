#include "remote/server_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace millrace::remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr char kMessage[] = "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012";

// As Spark sends it: semantics of google.rpc.ErrorInfo in the status' details.
grpc::Status DivideByZero() {
  google::rpc::ErrorInfo info;
  info.set_reason("org.apache.spark.SparkArithmeticException");
  info.set_domain("org.apache.spark");
  (*info.mutable_metadata())["errorClass"] = "DIVIDE_BY_ZERO";
  (*info.mutable_metadata())["sqlState"] = "22012";
  (*info.mutable_metadata())["errorId"] = "e-1";
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return grpc::Status(grpc::StatusCode::INTERNAL, kMessage, details.SerializeAsString());
}

TEST(ServerError, KeepsSparksClassAndMessage) {
  const Status error = ToStatus(DivideByZero(), "h:1");
  EXPECT_EQ(error.ToString(), kMessage);
  EXPECT_EQ(error.error().error_class, "DIVIDE_BY_ZERO");
  EXPECT_EQ(error.error().sql_state, "22012");
  EXPECT_EQ(error.error().java_class, "org.apache.spark.SparkArithmeticException");
  EXPECT_EQ(ErrorIdOf(DivideByZero()), "e-1");
}

TEST(ServerError, TakesTheWholeMessageAndTheParametersFromTheDetails) {
  spark::connect::FetchErrorDetailsResponse details;
  details.set_root_error_idx(0);
  auto* root = details.add_errors();
  root->set_message(
      "[DIVIDE_BY_ZERO] Division by zero, at length. SQLSTATE: 22012;\n'Project\n "
      "SQLSTATE: 22012");
  (*root->mutable_spark_throwable()->mutable_message_parameters())["config"] = "ansi";
  const Status error = WithDetails(ToStatus(DivideByZero(), "h:1"), details);
  EXPECT_EQ(error.ToString(),
            "[DIVIDE_BY_ZERO] Division by zero, at length. SQLSTATE: 22012");
  EXPECT_THAT(error.error().parameters, ElementsAre(Pair("config", "ansi")));
}

TEST(ServerError, IgnoresDetailsThatNameNoError) {
  const Status error = ToStatus(DivideByZero(), "h:1");
  spark::connect::FetchErrorDetailsResponse none;
  none.set_root_error_idx(3);
  EXPECT_EQ(WithDetails(error, none).ToString(), kMessage);
}

TEST(ServerError, NamesAServerThatCannotBeReached) {
  const Status error =
      ToStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection refused"), "h:1");
  EXPECT_THAT(
      error.ToString(),
      HasSubstr(
          "The Spark Connect server at h:1 cannot be reached: connection refused."));
  EXPECT_TRUE(error.error().retryable);
}

TEST(ServerError, PassesOnAnErrorWithoutDetails) {
  const Status error = ToStatus(grpc::Status(grpc::StatusCode::INTERNAL, "boom"), "h:1");
  EXPECT_EQ(error.ToString(), "boom");
  EXPECT_EQ(ErrorIdOf(grpc::Status(grpc::StatusCode::INTERNAL, "boom")), "");
}

}  // namespace
}  // namespace millrace::remote
