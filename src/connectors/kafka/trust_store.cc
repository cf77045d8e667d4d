#include "connectors/kafka/trust_store.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>

#include "base/error.h"

namespace millrace::connectors::kafka {
namespace {

constexpr std::string_view kLocation = "kafka.ssl.truststore.location";
constexpr std::string_view kJksMagic = "\xFE\xED\xFE\xED";
// The DER of a PKCS12 store is one ASN.1 sequence.
constexpr char kAsn1Sequence = 0x30;
// Java mixes this into the digest that protects a JKS store.
constexpr std::string_view kJksSalt = "Mighty Aphrodite";
constexpr size_t kDigestSize = 20;  // SHA-1

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(PKCS12* store) const { PKCS12_free(store); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(STACK_OF(X509) * list) const { sk_X509_pop_free(list, X509_free); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

Result<std::string> ReadFile(const std::string& path, std::string_view key) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file) content << file.rdbuf();
  if (!file) {
    return ArgumentError("Option '{}' names a file that cannot be read ({}): {}", key,
                         std::strerror(errno), path);
  }
  return content.str();
}

std::optional<StoreFormat> FormatOf(std::string_view content) {
  if (content.starts_with(kJksMagic)) return StoreFormat::kJks;
  if (content.starts_with(kAsn1Sequence)) return StoreFormat::kPkcs12;
  if (content.find("-----BEGIN ") != std::string_view::npos) return StoreFormat::kPem;
  return std::nullopt;
}

Status NoStore(const std::string& path, std::string_view key) {
  return ArgumentError(
      "Option '{}' must name a store of type PEM, PKCS12 or JKS, found another file: {}",
      key, path);
}

Error Damaged(const std::string& path) {
  return ArgumentError("Option '{}' names a store that is damaged: {}", kLocation, path);
}

Error WrongPassword(const std::string& path) {
  return ArgumentError(
      "Option '{}' names a store that the password in 'kafka.ssl.truststore.password' "
      "does not open: {}",
      kLocation, path);
}

void AppendPem(X509* certificate, std::string* out) {
  const Owned<BIO> memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  out->append(text, static_cast<size_t>(size));
}

Result<std::string> FromPkcs12(std::string_view content, const std::string& path,
                               const std::string& password) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());
  const Owned<PKCS12> store(
      d2i_PKCS12(nullptr, &bytes, static_cast<long>(content.size())));
  if (store == nullptr) return Damaged(path);
  EVP_PKEY* key = nullptr;
  X509* own = nullptr;
  STACK_OF(X509)* others = nullptr;
  const int parsed = PKCS12_parse(store.get(), password.c_str(), &key, &own, &others);
  ERR_clear_error();
  const Owned<EVP_PKEY> owned_key(key);
  const Owned<X509> owned_own(own);
  const Owned<STACK_OF(X509)> owned_others(others);
  if (parsed != 1) return WrongPassword(path);
  std::string pem;
  for (int i = 0; others != nullptr && i < sk_X509_num(others); ++i) {
    AppendPem(sk_X509_value(others, i), &pem);
  }
  return pem;
}

// Takes what a JKS store is made of off its front: big-endian numbers, and texts and
// bytes behind their length.
class JksScanner {
 public:
  explicit JksScanner(std::string_view rest) : rest_(rest) {}

  bool ok() const { return ok_; }

  uint64_t Number(size_t bytes) {
    uint64_t value = 0;
    for (const char c : Bytes(bytes)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view Text() { return Bytes(Number(2)); }
  std::string_view Blob() { return Bytes(Number(4)); }

 private:
  std::string_view Bytes(size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

// The digest at the end of a store: SHA-1 of the password in UTF-16, a fixed text and the
// rest of the file. (Java takes passwords beyond ASCII too; they are refused as wrong.)
bool JksPasswordFits(std::string_view content, std::string_view password) {
  std::string hashed;
  for (const char c : password) {
    hashed += '\0';
    hashed += c;
  }
  hashed += kJksSalt;
  hashed += content.substr(0, content.size() - kDigestSize);
  std::array<unsigned char, kDigestSize> digest{};
  unsigned int size = 0;
  EVP_Digest(hashed.data(), hashed.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return std::memcmp(digest.data(), content.data() + content.size() - kDigestSize,
                     kDigestSize) == 0;
}

Result<std::string> FromJks(std::string_view content, const std::string& path,
                            const std::optional<std::string>& password) {
  constexpr uint64_t kPrivateKey = 1;
  constexpr uint64_t kTrusted = 2;
  constexpr size_t kHeader = 12;  // magic, version, number of entries
  if (content.size() < kHeader + kDigestSize) return Damaged(path);
  if (password && !JksPasswordFits(content, *password)) return WrongPassword(path);
  JksScanner scanner(
      content.substr(kJksMagic.size(), content.size() - kJksMagic.size() - kDigestSize));
  scanner.Number(4);  // the version: 1 and 2 differ in nothing that matters here
  const uint64_t entries = scanner.Number(4);
  std::string pem;
  for (uint64_t i = 0; i < entries && scanner.ok(); ++i) {
    const uint64_t kind = scanner.Number(4);
    scanner.Text();     // alias
    scanner.Number(8);  // when it was made
    if (kind == kPrivateKey) {
      scanner.Blob();
      for (uint64_t chain = scanner.Number(4); chain > 0 && scanner.ok(); --chain) {
        scanner.Text();
        scanner.Blob();
      }
      continue;
    }
    if (kind != kTrusted) return Damaged(path);
    scanner.Text();  // "X.509"
    const std::string_view der = scanner.Blob();
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const Owned<X509> certificate(
        d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
    ERR_clear_error();
    if (certificate == nullptr) return Damaged(path);
    AppendPem(certificate.get(), &pem);
  }
  if (!scanner.ok()) return Damaged(path);
  return pem;
}

}  // namespace

Result<StoreFormat> FindStoreFormat(const std::string& path, const std::string& key) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string content, ReadFile(path, key));
  const std::optional<StoreFormat> format = FormatOf(content);
  if (!format) return NoStore(path, key);
  return *format;
}

Result<std::string> ReadTrustStore(const std::string& path,
                                   const std::optional<std::string>& password) {
  MILLRACE_ASSIGN_OR_RETURN(std::string content, ReadFile(path, kLocation));
  const std::optional<StoreFormat> format = FormatOf(content);
  if (!format) return NoStore(path, kLocation);
  if (*format == StoreFormat::kPem) return content;
  MILLRACE_ASSIGN_OR_RETURN(std::string pem,
                            *format == StoreFormat::kPkcs12
                                ? FromPkcs12(content, path, password.value_or(""))
                                : FromJks(content, path, password));
  if (pem.empty()) {
    return ArgumentError("Option '{}' names a store without trusted certificates: {}",
                         kLocation, path);
  }
  return pem;
}

}  // namespace millrace::connectors::kafka
