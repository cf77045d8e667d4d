#include "connectors/kafka/fetch/sasl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/error.h"

namespace millrace::connectors::kafka::fetch {
namespace {

constexpr std::string_view kPlain = "PLAIN";
constexpr std::string_view kScram256 = "SCRAM-SHA-256";
constexpr std::string_view kScram512 = "SCRAM-SHA-512";

// As few as Kafka stores, and more than anybody waits for.
constexpr int kLeastIterations = 4096;
constexpr int kMostIterations = 10'000'000;

using Octets = std::vector<uint8_t>;

const uint8_t* Data(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::string ToBase64(const Octets& octets) {
  std::string text(4 * ((octets.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), octets.data(),
                                   static_cast<int>(octets.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::optional<Octets> FromBase64(std::string_view text) {
  Octets octets(3 * text.size() / 4 + 3);
  const int size =
      EVP_DecodeBlock(octets.data(), Data(text), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  size_t kept = static_cast<size_t>(size);
  for (; text.ends_with('=') && kept > 0; text.remove_suffix(1)) --kept;
  octets.resize(kept);
  return octets;
}

class PlainClient final : public SaslClient {
 public:
  PlainClient(const std::string& user, const std::string& password)
      : token_(std::string(1, '\0') + user + '\0' + password) {}

  Result<std::optional<std::string>> Next(std::string_view) override {
    return std::exchange(token_, std::nullopt);
  }

 private:
  std::optional<std::string> token_;
};

class ScramClient final : public SaslClient {
 public:
  ScramClient(const EVP_MD* hash, const std::string& user, std::string password,
              std::string nonce)
      : hash_(hash), password_(std::move(password)), nonce_(std::move(nonce)) {
    first_ = "n=";
    for (const char c : user) {
      first_ += c == ',' ? "=2C" : c == '=' ? "=3D" : std::string(1, c);
    }
    first_ += ",r=" + nonce_;
  }

  Result<std::optional<std::string>> Next(std::string_view answer) override {
    switch (step_++) {
      case 0:
        return std::optional<std::string>("n,," + first_);
      case 1:
        return Prove(answer);
      default:
        return Verify(answer);
    }
  }

 private:
  static Status Broken() {
    return ExternalError("the Kafka broker does not keep to the protocol of SCRAM");
  }

  // The value of "<name>=" in a list of those, separated by commas.
  static std::optional<std::string_view> Attribute(std::string_view text, char name) {
    while (true) {
      const std::string_view item = text.substr(0, text.find(','));
      if (item.size() >= 2 && item[0] == name && item[1] == '=') return item.substr(2);
      if (item.size() == text.size()) return std::nullopt;
      text.remove_prefix(item.size() + 1);
    }
  }

  Octets Hmac(const Octets& key, std::string_view text) const {
    Octets sum(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    HMAC(hash_, key.data(), static_cast<int>(key.size()), Data(text), text.size(),
         sum.data(), &size);
    sum.resize(size);
    return sum;
  }

  Octets Hash(const Octets& octets) const {
    Octets sum(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    EVP_Digest(octets.data(), octets.size(), sum.data(), &size, hash_, nullptr);
    sum.resize(size);
    return sum;
  }

  Result<std::optional<std::string>> Prove(std::string_view answer) {
    const auto nonce = Attribute(answer, 'r');
    const auto salt_text = Attribute(answer, 's');
    const auto count = Attribute(answer, 'i');
    if (!nonce || !salt_text || !count) return Broken();
    const std::optional<Octets> salt = FromBase64(*salt_text);
    int iterations = 0;
    const auto [end, error] =
        std::from_chars(count->data(), count->data() + count->size(), iterations);
    if (!salt || error != std::errc() || end != count->data() + count->size() ||
        iterations < kLeastIterations || iterations > kMostIterations ||
        !nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) {
      return Broken();
    }
    Octets salted(static_cast<size_t>(EVP_MD_get_size(hash_)));
    PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()), salt->data(),
                      static_cast<int>(salt->size()), iterations, hash_,
                      static_cast<int>(salted.size()), salted.data());
    // "biws" is "n,,": no channel is bound.
    const std::string last = fmt::format("c=biws,r={}", *nonce);
    const std::string all = fmt::format("{},{},{}", first_, answer, last);
    const Octets client_key = Hmac(salted, "Client Key");
    const Octets signature = Hmac(Hash(client_key), all);
    Octets proof = client_key;
    for (size_t i = 0; i < proof.size(); ++i) proof[i] ^= signature[i];
    server_signature_ = Hmac(Hmac(salted, "Server Key"), all);
    return std::optional<std::string>(fmt::format("{},p={}", last, ToBase64(proof)));
  }

  Result<std::optional<std::string>> Verify(std::string_view answer) {
    if (const auto error = Attribute(answer, 'e')) {
      return ExternalError("a Kafka broker refused the login: {}", *error);
    }
    const auto text = Attribute(answer, 'v');
    const std::optional<Octets> signature =
        text ? FromBase64(*text) : std::optional<Octets>();
    if (!signature || signature->size() != server_signature_.size() ||
        CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) !=
            0) {
      return ExternalError(
          "the Kafka broker could not prove that it knows the user's password");
    }
    return std::optional<std::string>();
  }

  const EVP_MD* const hash_;
  const std::string password_;
  const std::string nonce_;
  std::string first_;
  Octets server_signature_;
  int step_ = 0;
};

}  // namespace

bool IsSpoken(std::string_view mechanism) {
  return mechanism == kPlain || mechanism == kScram256 || mechanism == kScram512;
}

std::unique_ptr<SaslClient> MakeSaslClient(std::string_view mechanism, std::string user,
                                           std::string password, std::string nonce) {
  if (mechanism == kPlain) return std::make_unique<PlainClient>(user, password);
  return std::make_unique<ScramClient>(
      mechanism == kScram512 ? EVP_sha512() : EVP_sha256(), user, std::move(password),
      std::move(nonce));
}

std::string MakeNonce() {
  Octets random(18);
  RAND_bytes(random.data(), static_cast<int>(random.size()));
  return ToBase64(random);
}

}  // namespace millrace::connectors::kafka::fetch
