#include "kafka_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace orders {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(KafkaProperties, AreReadAsJavaReadsThem) {
  EXPECT_THAT(ParseKafkaProperties("# a comment\n"
                                   "! another one\n"
                                   "\n"
                                   "  a=1\r\n"
                                   "b : two words \n"
                                   "c\tlast\n"
                                   "d=x\\\n"
                                   "   y;\n"
                                   "e=back\\\\slash\\=\n"
                                   "f\\:g=\\t\n"
                                   "alone\n"
                                   "a=2"),
              ElementsAre(Pair("a", "2"), Pair("alone", ""), Pair("b", "two words "),
                          Pair("c", "last"), Pair("d", "xy;"), Pair("e", "back\\slash="),
                          Pair("f:g", "\t")));
}

TEST(KafkaProperties, AFileThatCannotBeReadIsNamed) {
  EXPECT_THAT([] { ReadKafkaProperties("/tmp"); },
              testing::ThrowsMessage<std::runtime_error>(
                  testing::AllOf(HasSubstr("/tmp"), HasSubstr("Is a directory"))));
  EXPECT_THAT([] { ReadKafkaProperties("/no/such/file"); },
              testing::ThrowsMessage<std::runtime_error>(
                  testing::AllOf(HasSubstr("/no/such/file"), HasSubstr("No such file"))));
}

}  // namespace
}  // namespace orders
