#include "connectors/kafka/client_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/kafka_settings.h"

namespace millrace::connectors::kafka {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

Result<ClientConfig> Map(std::map<std::string, std::string> values) {
  values["kafka.bootstrap.servers"] = "a:1,b:2";
  values["subscribe"] = "t";
  return MapClientConfig(Options(values));
}

std::map<std::string, std::string> Settings(std::map<std::string, std::string> values) {
  const auto config = Map(std::move(values));
  EXPECT_TRUE(config.ok()) << config.status().ToString();
  return config.ok() ? config->settings : std::map<std::string, std::string>();
}

std::string ErrorOf(std::map<std::string, std::string> values) {
  const auto config = Map(std::move(values));
  return config.ok() ? "no error" : config.status().error().message;
}

constexpr char kJaas[] =
    "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"al "
    "ice\"\n"
    "  password='s3;cr\\'et';";

TEST(ClientConfig, TranslatesJavaNames) {
  const auto settings = Settings({{"kafka.request.timeout.ms", "5000"},
                                  {"kafka.fetch.max.wait.ms", "10"},
                                  {"kafka.max.partition.fetch.bytes", "1000"},
                                  {"kafka.receive.buffer.bytes", "-1"},
                                  {"KAFKA.Client.Id", "me"}});
  EXPECT_THAT(settings, Contains(Pair("socket.timeout.ms", "5000")));
  EXPECT_THAT(settings, Contains(Pair("fetch.wait.max.ms", "10")));
  EXPECT_THAT(settings, Contains(Pair("fetch.message.max.bytes", "1000")));
  EXPECT_THAT(settings, Contains(Pair("socket.receive.buffer.bytes", "0")));
  EXPECT_THAT(settings, Contains(Pair("client.id", "me")));
}

TEST(ClientConfig, TranslatesLogins) {
  const auto settings = Settings({{"kafka.security.protocol", "SASL_PLAINTEXT"},
                                  {"kafka.sasl.mechanism", "SCRAM-SHA-256"},
                                  {"kafka.sasl.jaas.config", kJaas}});
  EXPECT_THAT(settings, Contains(Pair("security.protocol", "SASL_PLAINTEXT")));
  EXPECT_THAT(settings, Contains(Pair("sasl.mechanisms", "SCRAM-SHA-256")));
  EXPECT_THAT(settings, Contains(Pair("sasl.username", "al ice")));
  EXPECT_THAT(settings, Contains(Pair("sasl.password", "s3;cr'et")));
  EXPECT_THAT(settings, Not(Contains(Key("sasl.jaas.config"))));
}

std::string TestData(const std::string& name) {
  return std::string(MILLRACE_SOURCE_DIR "/src/connectors/kafka/testdata/") + name;
}

TEST(ClientConfig, TranslatesStores) {
  const auto pem = Settings({{"kafka.ssl.truststore.location", TestData("trust.jks")},
                             {"kafka.ssl.truststore.password", "changeit"},
                             {"kafka.ssl.truststore.type", "JKS"},
                             {"kafka.ssl.keystore.location", TestData("trust.pem")},
                             {"kafka.ssl.keystore.type", "PEM"},
                             {"kafka.ssl.endpoint.identification.algorithm", ""}});
  EXPECT_THAT(pem, Contains(Pair("ssl.ca.pem", HasSubstr("BEGIN CERTIFICATE"))));
  EXPECT_THAT(pem, Contains(Pair("ssl.certificate.location", TestData("trust.pem"))));
  EXPECT_THAT(pem, Contains(Pair("ssl.key.location", TestData("trust.pem"))));
  EXPECT_THAT(pem, Contains(Pair("ssl.endpoint.identification.algorithm", "none")));

  const auto pkcs = Settings({{"kafka.ssl.keystore.location", TestData("trust.p12")},
                              {"kafka.ssl.keystore.password", "pw"}});
  EXPECT_THAT(pkcs, Contains(Pair("ssl.keystore.location", TestData("trust.p12"))));
  EXPECT_THAT(pkcs, Contains(Pair("ssl.keystore.password", "pw")));

  EXPECT_THAT(ErrorOf({{"kafka.ssl.truststore.location", "/x/trust.jks"}}),
              HasSubstr("kafka.ssl.truststore.location"));
  EXPECT_THAT(ErrorOf({{"kafka.ssl.keystore.location", "/x/me.p12"}}),
              HasSubstr("kafka.ssl.keystore.location"));
  EXPECT_THAT(ErrorOf({{"kafka.ssl.keystore.location", TestData("trust.jks")}}),
              HasSubstr("PKCS12"));
}

TEST(LibrdkafkaSettings, TakesTheNamesOfJavaClients) {
  const auto settings = LibrdkafkaSettings({{"sasl.mechanism", "PLAIN"},
                                            {"sasl.jaas.config", kJaas},
                                            {"linger.ms", "7"},
                                            {"bootstrap.servers", "a:1"}});
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_THAT(*settings, testing::UnorderedElementsAre(Pair("sasl.mechanisms", "PLAIN"),
                                                       Pair("sasl.username", "al ice"),
                                                       Pair("sasl.password", "s3;cr'et"),
                                                       Pair("linger.ms", "7"),
                                                       Pair("bootstrap.servers", "a:1")));
  EXPECT_FALSE(LibrdkafkaSettings({{"no.such.setting", "1"}}).ok());
}

TEST(ClientConfig, JavaOnlySettingsHaveNoEffect) {
  EXPECT_EQ(Settings({{"kafka.max.poll.records", "5"}, {"kafka.group.id", "g"}}),
            Settings({}));
}

TEST(ClientConfig, UnknownSettingsAreNamedAsTheUserWroteThem) {
  EXPECT_THAT(ErrorOf({{"kafka.No.Such.Setting", "1"}}),
              HasSubstr("'kafka.No.Such.Setting'"));
}

TEST(ClientConfig, WrongValuesAreNamed) {
  EXPECT_THAT(ErrorOf({{"kafka.fetch.min.bytes", "many"}}),
              HasSubstr("'kafka.fetch.min.bytes'"));
  EXPECT_THAT(ErrorOf({{"kafka.default.api.timeout.ms", "soon"}}),
              HasSubstr("found: soon"));
}

TEST(ClientConfig, BrokersAreHostsWithPorts) {
  const auto error = [](const std::string& servers) {
    const auto config = MapClientConfig(Options({{"kafka.bootstrap.servers", servers}}));
    return config.ok() ? "" : config.status().error().message;
  };
  for (const char* servers :
       {"a:1", " a:1 , b:65535", "[::1]:9092", "SASL_SSL://a.b:9093"}) {
    EXPECT_EQ(error(servers), "");
  }
  for (const char* servers : {"", "a", ":1", "a:", "a:x", "a:1,", "a:1;b:2", "a:-1"}) {
    EXPECT_THAT(error(servers), testing::StartsWith("Invalid url in bootstrap.servers: "))
        << servers;
  }
  for (const char* servers : {"a:0", "a:1,b:65536", "a:99999999999999999999"}) {
    EXPECT_THAT(error(servers),
                testing::StartsWith("Invalid port in bootstrap.servers: "))
        << servers;
  }
}

TEST(ClientConfig, TheSourcesOwnSettingsAreRefused) {
  EXPECT_THAT(ErrorOf({{"kafka.enable.partition.eof", "false"}}),
              HasSubstr("'kafka.enable.partition.eof' is not supported"));
}

TEST(ClientConfig, NoErrorShowsASecret) {
  const std::string jaas =
      "org.apache.kafka.common.security.plain.PlainLoginModule required "
      "username=\"u\" password=\"tell-nobody";
  EXPECT_THAT(ErrorOf({{"kafka.sasl.jaas.config", jaas}}), Not(HasSubstr("tell-nobody")));
  EXPECT_THAT(ErrorOf({{"kafka.ssl.key.pem", "tell-nobody"}}),
              Not(HasSubstr("tell-nobody")));
  EXPECT_THAT(ErrorOf({{"kafka.sasl.client.secret", "tell-nobody"}}),
              Not(HasSubstr("tell-nobody")));
}

TEST(ParseJaas, RefusesOtherModulesAndForms) {
  EXPECT_THAT(ParseJaas("com.sun.security.auth.module.Krb5LoginModule required;")
                  .status()
                  .error()
                  .message,
              HasSubstr("Krb5LoginModule"));
  for (const char* text :
       {"", "x.PlainLoginModule", "x.PlainLoginModule required",
        "x.PlainLoginModule required username=\"u\" password=\"p\"",
        "x.PlainLoginModule required username \"u\";", "x.PlainLoginModule required;"}) {
    EXPECT_FALSE(ParseJaas(text).ok()) << text;
  }
}

}  // namespace
}  // namespace millrace::connectors::kafka
