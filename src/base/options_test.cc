#include "base/options.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace millrace {
namespace {

using testing::HasSubstr;

constexpr OptionSpec kSpecs[] = {
    {.key = "subscribe", .required = true, .help = "Topics to read."},
    {.key = "startingOffsets", .fallback = "latest"},
    {.key = "failOnDataLoss", .type = OptionType::kBoolean},
    {.key = "maxOffsetsPerTrigger", .type = OptionType::kInteger},
    {.key = "assign", .supported = false},
    {.key = "kafka.", .prefix = true},
};

using Values = std::map<std::string, std::string>;

Options Given(const Values& values) { return Options(values); }

Status Check(const Values& values) {
  return Options(values).Check("Kafka source", kSpecs);
}

TEST(Options, KeysCompareWithoutCase) {
  Options options = Given({{"startingOffsets", "earliest"}});
  EXPECT_TRUE(options.Has("STARTINGOFFSETS"));
  EXPECT_EQ(options.Get("startingoffsets"), "earliest");
  options.Set("StartingOffsets", "latest");
  EXPECT_EQ(options.GetOr("startingOffsets", ""), "latest");
  EXPECT_THAT(options.original(),
              testing::ElementsAre(testing::Pair("StartingOffsets", "latest")));
  EXPECT_EQ(options.Get("other"), std::nullopt);
  EXPECT_EQ(options.GetOr("other", "x"), "x");
}

TEST(Options, ReadsBooleans) {
  const Options options = Given({{"a", "TRUE"}, {"b", "false"}, {"c", "yes"}});
  EXPECT_TRUE(*options.GetBool("a", false));
  EXPECT_FALSE(*options.GetBool("b", true));
  EXPECT_TRUE(*options.GetBool("none", true));
  const Status status = options.GetBool("C", true).status();
  EXPECT_EQ(status.error().java_class, kIllegalArgumentException);
  EXPECT_THAT(status.error().message, HasSubstr("found: 'yes'"));
}

TEST(Options, ReadsIntegersAsJavaDoes) {
  const Options options = Given({{"a", "-9223372036854775808"},
                                 {"b", "+5"},
                                 {"c", "9223372036854775808"},
                                 {"d", "5 "},
                                 {"e", ""},
                                 {"f", "+-5"},
                                 {"g", "0x10"}});
  EXPECT_EQ(*options.GetInt("a", 0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(*options.GetInt("b", 0), 5);
  EXPECT_EQ(*options.GetInt("none", 7), 7);
  for (const char* key : {"c", "d", "e", "f", "g"}) {
    EXPECT_FALSE(options.GetInt(key, 0).ok()) << key;
  }
}

TEST(OptionsCheck, AcceptsWhatTheSpecsName) {
  EXPECT_TRUE(Check({{"SUBSCRIBE", "orders"}, {"Kafka.bootstrap.servers", "x"}}).ok());
}

TEST(OptionsCheck, UnknownKeyNamesTheNearest) {
  const Status status = Check({{"subscribe", "orders"}, {"startingOffset", "latest"}});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(
      status.error().message,
      "Kafka source has no option 'startingOffset'. Did you mean 'startingOffsets'? It "
      "takes: subscribe, startingOffsets, failOnDataLoss, maxOffsetsPerTrigger, "
      "kafka.*.");
}

TEST(OptionsCheck, FarOffKeyGetsNoSuggestion) {
  const Status status = Check({{"subscribe", "orders"}, {"zzzz", "1"}});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, testing::Not(HasSubstr("Did you mean")));
}

TEST(OptionsCheck, KeyOnlySparkHasIsNamedAsSuch) {
  const Status status = Check({{"subscribe", "orders"}, {"ASSIGN", "{}"}});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().error_class, "UNSUPPORTED_FEATURE");
  EXPECT_THAT(status.error().message, HasSubstr("'assign'"));
}

TEST(OptionsCheck, RequiredKeyMustBeThere) {
  const Status status = Check({});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("needs option 'subscribe'"));
}

}  // namespace
}  // namespace millrace
