// Logins, against the examples of the RFCs.
#include "connectors/kafka/fetch/sasl.h"

#include <gmock/gmock.h>

namespace millrace::connectors::kafka::fetch {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

std::unique_ptr<SaslClient> Pencil() {
  return MakeSaslClient("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
}

TEST(Sasl, PlainSendsOneToken) {
  const auto client = MakeSaslClient("PLAIN", "tim", "tanstaaftanstaaf", "");
  EXPECT_EQ(**client->Next(""), std::string("\0tim\0tanstaaftanstaaf", 21));
  EXPECT_FALSE(client->Next("")->has_value());
}

TEST(Sasl, ScramProvesThatItKnowsThePassword) {  // RFC 7677
  const auto client = Pencil();
  EXPECT_EQ(**client->Next(""), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(**client->Next(kServerFirst),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  const auto done = client->Next("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  ASSERT_TRUE(done.ok()) << done.status().ToString();
  EXPECT_FALSE(done->has_value());
}

TEST(Sasl, ScramWantsTheServerToProveItToo) {
  for (const char* answer :
       {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95H4=", "v=", "v=?", "", "x"}) {
    const auto client = Pencil();
    ASSERT_TRUE(client->Next("").ok());
    ASSERT_TRUE(client->Next(kServerFirst).ok());
    EXPECT_THAT(client->Next(answer).status().error().message,
                HasSubstr("could not prove"));
  }
}

TEST(Sasl, ScramTakesNoOtherFirstAnswer) {
  for (const char* answer :
       {"", "r=,s=,i=", "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
        "r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000",
        "r=rOprNGfwEbeRWgbNEkqO1,s=?,i=4096"}) {
    const auto client = Pencil();
    ASSERT_TRUE(client->Next("").ok());
    EXPECT_THAT(client->Next(answer).status().error().message,
                HasSubstr("does not keep to the protocol"))
        << answer;
  }
}

TEST(Sasl, ScramEscapesNames) {
  const auto client = MakeSaslClient("SCRAM-SHA-512", "a=b,c", "p", "n");
  EXPECT_EQ(**client->Next(""), "n,,n=a=3Db=2Cc,r=n");
}

TEST(Sasl, NoncesDiffer) {
  EXPECT_THAT(MakeNonce(), SizeIs(24));
  EXPECT_NE(MakeNonce(), MakeNonce());
}

}  // namespace
}  // namespace millrace::connectors::kafka::fetch
