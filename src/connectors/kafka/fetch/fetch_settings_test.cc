// Which configurations the native read path serves, and how it reads them.
#include "connectors/kafka/fetch/fetch_settings.h"

#include <gmock/gmock.h>

#include "connector/explained_source.h"
#include "connectors/kafka/kafka_provider.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using Changes = std::map<std::string, std::string>;

std::variant<FetchSettings, Obstacle> Make(const Changes& kafka_options) {
  Changes options = {{"kafka.bootstrap.servers", "a:1"}};
  for (const auto& [name, value] : kafka_options) options["kafka." + name] = value;
  const Result<ClientConfig> config = MapClientConfig(Options(options));
  EXPECT_TRUE(config.ok()) << config.status().ToString();
  return MakeFetchSettings(*config);
}

FetchSettings Settings(const Changes& options) {
  auto made = Make(options);
  EXPECT_TRUE(std::holds_alternative<FetchSettings>(made));
  return std::get<FetchSettings>(made);
}

std::string ReasonAgainst(const Changes& options) {
  auto made = Make(options);
  const Obstacle* obstacle = std::get_if<Obstacle>(&made);
  return obstacle == nullptr ? "" : obstacle->reason;
}

TEST(FetchSettings, DefaultsAreThoseOfJava) {
  const FetchSettings settings = Settings({});
  EXPECT_FALSE(settings.tls.has_value());
  EXPECT_FALSE(settings.sasl.has_value());
  EXPECT_FALSE(settings.read_committed);
  EXPECT_TRUE(settings.check_crcs);
  EXPECT_EQ(settings.max_wait, std::chrono::milliseconds(500));
  EXPECT_EQ(settings.min_bytes, 1);
  EXPECT_EQ(settings.max_bytes, 50 << 20);
}

TEST(FetchSettings, TakesJavasOptions) {
  const FetchSettings settings = Settings({{"isolation.level", "read_committed"},
                                           {"check.crcs", "false"},
                                           {"fetch.max.wait.ms", "7"},
                                           {"fetch.min.bytes", "100"},
                                           {"fetch.max.bytes", "3000000"},
                                           {"max.partition.fetch.bytes", "2000000"},
                                           {"client.id", "me"}});
  EXPECT_TRUE(settings.read_committed);
  EXPECT_FALSE(settings.check_crcs);
  EXPECT_EQ(settings.max_wait, std::chrono::milliseconds(7));
  EXPECT_EQ(settings.min_bytes, 100);
  EXPECT_EQ(settings.max_bytes, 3'000'000);
  EXPECT_EQ(settings.max_partition_bytes, 2'000'000);
  EXPECT_EQ(settings.client_id, "me");
}

TEST(FetchSettings, TakesLoginsAndCertificates) {
  const FetchSettings settings =
      Settings({{"security.protocol", "SASL_SSL"},
                {"sasl.mechanism", "SCRAM-SHA-512"},
                {"sasl.jaas.config",
                 "org.apache.kafka.common.security.scram.ScramLoginModule required "
                 "username=\"alice\" password=\"secret\";"},
                {"ssl.truststore.certificates", "pem"},
                {"ssl.endpoint.identification.algorithm", ""}});
  ASSERT_TRUE(settings.tls.has_value());
  EXPECT_EQ(settings.tls->ca_pem, "pem");
  EXPECT_TRUE(settings.tls->verify);
  EXPECT_FALSE(settings.tls->verify_name);
  ASSERT_TRUE(settings.sasl.has_value());
  EXPECT_EQ(settings.sasl->mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(settings.sasl->user, "alice");
  EXPECT_EQ(settings.sasl->password, "secret");
}

TEST(FetchSettings, WhatIsNotSpokenIsLeftToLibrdkafka) {
  EXPECT_EQ(ReasonAgainst({{"security.protocol", "SASL_PLAINTEXT"},
                           {"sasl.mechanism", "OAUTHBEARER"}}),
            "brokers want the SASL mechanism OAUTHBEARER");
  EXPECT_EQ(ReasonAgainst({{"security.protocol", "SASL_SSL"}}),
            "brokers want the SASL mechanism GSSAPI");
  EXPECT_EQ(
      ReasonAgainst({{"security.protocol", "SSL"}, {"ssl.cipher.suites", "DEFAULT"}}),
      "the option kafka.ssl.cipher.suites is set");
  EXPECT_EQ(ReasonAgainst({{"client.rack", "a"}}), "the option kafka.client.rack is set");
}

TEST(FetchSettings, ExplainSaysSo) {
  const auto provider = MakeKafkaProvider();
  const auto* source = dynamic_cast<const connector::ExplainedSource*>(provider.get());
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->ReadNote(Options(Changes{{"kafka.bootstrap.servers", "a:1"}})), "");
  EXPECT_EQ(source->ReadNote(Options(
                Changes{{"kafka.bootstrap.servers", "a:1"}, {"kafka.client.rack", "a"}})),
            "through librdkafka, since the option kafka.client.rack is set");
}

}  // namespace
}  // namespace millrace::connectors::kafka::fetch
