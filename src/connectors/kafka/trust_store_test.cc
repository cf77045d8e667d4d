// The stores of testdata hold the same two certificates and open with "changeit"; keytool
// of JDK 17 made them.
#include "connectors/kafka/trust_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace millrace::connectors::kafka {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string TestData(const std::string& name) {
  return std::string(MILLRACE_SOURCE_DIR "/src/connectors/kafka/testdata/") + name;
}

std::string Content(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

// The certificates, whatever their order and the line ends.
std::multiset<std::string> Certificates(const Result<std::string>& pem) {
  EXPECT_TRUE(pem.ok()) << pem.status().ToString();
  std::multiset<std::string> found;
  if (!pem.ok()) return found;
  std::string text = *pem;
  std::erase(text, '\r');
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
  for (size_t from = 0, end; (end = text.find(kEnd, from)) != std::string::npos;) {
    end += kEnd.size();
    found.insert(text.substr(from, end - from));
    from = end;
  }
  return found;
}

std::string ErrorOf(const Result<std::string>& result) {
  return result.ok() ? "no error" : result.status().error().message;
}

// A file of this content that goes with the test.
class Store {
 public:
  explicit Store(const std::string& content)
      : path_(testing::TempDir() + "/store-" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~Store() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

TEST(TrustStore, AllFormatsGiveTheSameCertificates) {
  const auto expected = Certificates(Content(TestData("trust.pem")));
  ASSERT_EQ(expected.size(), 2U);
  EXPECT_EQ(Certificates(ReadTrustStore(TestData("trust.pem"), std::nullopt)), expected);
  EXPECT_EQ(Certificates(ReadTrustStore(TestData("trust.p12"), "changeit")), expected);
  EXPECT_EQ(Certificates(ReadTrustStore(TestData("trust.jks"), "changeit")), expected);
  EXPECT_EQ(Certificates(ReadTrustStore(TestData("trust.jks"), std::nullopt)), expected);
}

TEST(TrustStore, AWrongPasswordIsNamedAndNotShown) {
  for (const char* name : {"trust.p12", "trust.jks"}) {
    EXPECT_THAT(ErrorOf(ReadTrustStore(TestData(name), "tell-nobody")),
                AllOf(HasSubstr("kafka.ssl.truststore.password"), HasSubstr(name),
                      Not(HasSubstr("tell-nobody"))));
  }
  EXPECT_THAT(ErrorOf(ReadTrustStore(TestData("trust.p12"), std::nullopt)),
              HasSubstr("kafka.ssl.truststore.password"));
}

TEST(TrustStore, EveryTruncationIsAnError) {
  for (const char* name : {"trust.p12", "trust.jks"}) {
    const std::string whole = Content(TestData(name));
    for (size_t size = 0; size < whole.size(); size += 7) {
      const Store store(whole.substr(0, size));
      EXPECT_FALSE(ReadTrustStore(store.path(), "changeit").ok()) << name << " " << size;
    }
  }
}

TEST(TrustStore, EveryDamagedByteOfAJksStoreIsFound) {
  const std::string whole = Content(TestData("trust.jks"));
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const Store store(damaged);
    EXPECT_FALSE(ReadTrustStore(store.path(), "changeit").ok()) << i;
    // Nothing checks it without a password, but nothing breaks either.
    static_cast<void>(ReadTrustStore(store.path(), std::nullopt));
  }
}

TEST(TrustStore, OtherFilesAreNamed) {
  const Store store("hello");
  EXPECT_THAT(ErrorOf(ReadTrustStore(store.path(), std::nullopt)),
              AllOf(HasSubstr("PEM, PKCS12 or JKS"), HasSubstr(store.path())));
  EXPECT_THAT(ErrorOf(ReadTrustStore("/no/such/store", std::nullopt)),
              AllOf(HasSubstr("/no/such/store"), HasSubstr("No such file")));
  EXPECT_THAT(ErrorOf(ReadTrustStore(testing::TempDir(), std::nullopt)),
              HasSubstr("kafka.ssl.truststore.location"));
}

TEST(TrustStore, FormatsAreFoundInTheContent) {
  const auto format = [](const char* name) {
    const auto found = FindStoreFormat(TestData(name), "key");
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : StoreFormat::kPem;
  };
  EXPECT_EQ(format("trust.pem"), StoreFormat::kPem);
  EXPECT_EQ(format("trust.p12"), StoreFormat::kPkcs12);
  EXPECT_EQ(format("trust.jks"), StoreFormat::kJks);
}

}  // namespace
}  // namespace millrace::connectors::kafka
