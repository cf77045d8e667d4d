#include "remote/connection_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

TEST(ConnectionUrl, HasADefaultPort) {
  const auto url = ParseConnectionUrl("sc://spark.example");
  ASSERT_TRUE(url.ok()) << url.status().ToString();
  EXPECT_EQ(url->address(), "spark.example:15002");
  EXPECT_FALSE(url->use_ssl);
}

TEST(ConnectionUrl, TakesParametersAndSendsUnknownOnesAsHeaders) {
  const auto url = ParseConnectionUrl(
      "sc://[::1]:1234/;user_id=alice;token=a=b;x-team=orders;use_ssl=true");
  ASSERT_TRUE(url.ok()) << url.status().ToString();
  EXPECT_EQ(url->address(), "[::1]:1234");
  EXPECT_EQ(url->user_id, "alice");
  EXPECT_EQ(url->token, "a=b");
  EXPECT_TRUE(url->use_ssl);
  EXPECT_THAT(url->headers, ElementsAre(Pair("x-team", "orders")));
}

TEST(ConnectionUrl, NeverSendsATokenOverANetworkInTheClear) {
  EXPECT_TRUE(ParseConnectionUrl("sc://spark.example/;token=t;use_ssl=false")->use_ssl);
  EXPECT_FALSE(ParseConnectionUrl("sc://127.0.0.1/;token=t")->use_ssl);
}

TEST(ConnectionUrl, SaysWhatIsWrongWithoutShowingAToken) {
  for (const char* wrong :
       {"http://h", "sc://", "sc://h:0", "sc://h:70000", "sc://h:x",
        "sc://h/path;token=secret", "sc://h/;token", "sc://h/;token=secret;=x",
        "sc://h/;token=secret;use_ssl=yes"}) {
    const auto url = ParseConnectionUrl(wrong);
    ASSERT_FALSE(url.ok()) << wrong;
    EXPECT_THAT(
        url.status().ToString(),
        HasSubstr("[INVALID_CONNECT_URL] The URL for Spark Connect is not valid: "));
    EXPECT_THAT(url.status().ToString(), Not(HasSubstr("secret"))) << wrong;
  }
}

}  // namespace
}  // namespace millrace::remote
