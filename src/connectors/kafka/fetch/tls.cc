#include "connectors/kafka/fetch/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <string>
#include <utility>

#include "base/error.h"

namespace millrace::connectors::kafka::fetch {
namespace {

struct Deleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(PKCS12* store) const { PKCS12_free(store); }
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

Owned<BIO> ReadOnly(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Status Unusable(std::string_view option) {
  return ArgumentError("Option 'kafka.{}' cannot be used: {}", option, TlsErrors());
}

int GivePassword(char* buffer, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  const int length = std::min(size, static_cast<int>(text.size()));
  text.copy(buffer, static_cast<size_t>(length));
  return length;
}

Status Trust(const TlsSettings& settings, SSL_CTX* context) {
  if (!settings.ca_pem.empty()) {
    const Owned<BIO> text = ReadOnly(settings.ca_pem);
    int count = 0;
    while (const Owned<X509> certificate{
        PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
      ++count;
    }
    if (count == 0) return Unusable("ssl.truststore.certificates");
    ERR_clear_error();  // the end of the text
  } else if (!settings.ca_location.empty() && settings.ca_location != "probe") {
    struct stat found {};
    const char* const path = settings.ca_location.c_str();
    const bool folder = stat(path, &found) == 0 && S_ISDIR(found.st_mode);
    if (SSL_CTX_load_verify_locations(context, folder ? nullptr : path,
                                      folder ? path : nullptr) != 1) {
      return Unusable("ssl.ca.location");
    }
  } else {
    SSL_CTX_set_default_verify_paths(context);
  }
  return Status::OK();
}

// The first certificate of a text is ours, the rest vouch for it.
Status UseCertificates(const std::string& pem, SSL_CTX* context) {
  const Owned<BIO> text = ReadOnly(pem);
  const Owned<X509> own(PEM_read_bio_X509_AUX(text.get(), nullptr, nullptr, nullptr));
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Unusable("ssl.keystore.certificate.chain");
  }
  while (
      const Owned<X509> other{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
    SSL_CTX_add1_chain_cert(context, other.get());
  }
  ERR_clear_error();
  return Status::OK();
}

Status UseStore(const TlsSettings& settings, SSL_CTX* context) {
  const Owned<BIO> file(BIO_new_file(settings.keystore_location.c_str(), "rb"));
  const Owned<PKCS12> store(file == nullptr ? nullptr
                                            : d2i_PKCS12_bio(file.get(), nullptr));
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* chain = nullptr;
  const bool read =
      store != nullptr && PKCS12_parse(store.get(), settings.keystore_password.c_str(),
                                       &key, &certificate, &chain) == 1;
  const Owned<EVP_PKEY> own_key(key);
  const Owned<X509> own_certificate(certificate);
  const Owned<STACK_OF(X509)> own_chain(chain);
  if (!read || SSL_CTX_use_cert_and_key(context, certificate, key, chain, 1) != 1) {
    return Unusable("ssl.keystore.location");
  }
  return Status::OK();
}

Status Identify(const TlsSettings& settings, SSL_CTX* context) {
  if (!settings.keystore_location.empty()) return UseStore(settings, context);
  if (!settings.certificate_pem.empty()) {
    MILLRACE_RETURN_IF_ERROR(UseCertificates(settings.certificate_pem, context));
  } else if (!settings.certificate_location.empty() &&
             SSL_CTX_use_certificate_chain_file(
                 context, settings.certificate_location.c_str()) != 1) {
    return Unusable("ssl.certificate.location");
  }
  if (!settings.key_pem.empty() || !settings.key_location.empty()) {
    const bool inline_text = !settings.key_pem.empty();
    const Owned<BIO> text =
        inline_text ? ReadOnly(settings.key_pem)
                    : Owned<BIO>(BIO_new_file(settings.key_location.c_str(), "r"));
    std::string password = settings.key_password;
    const Owned<EVP_PKEY> key(
        text == nullptr
            ? nullptr
            : PEM_read_bio_PrivateKey(text.get(), nullptr, GivePassword, &password));
    if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
      return Unusable(inline_text ? "ssl.keystore.key" : "ssl.key.location");
    }
  }
  return Status::OK();
}

bool IsAddress(const std::string& host) {
  std::array<uint8_t, 16> address{};
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

}  // namespace

void SslDeleter::operator()(ssl_st* ssl) const { SSL_free(ssl); }
void SslDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

std::string TlsErrors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    std::array<char, 256> line{};
    ERR_error_string_n(code, line.data(), line.size());
    text += text.empty() ? "" : "; ";
    text += line.data();
  }
  return text.empty() ? "OpenSSL says no more" : text;
}

Result<std::unique_ptr<const TlsContext>> TlsContext::Make(const TlsSettings& settings) {
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, SslDeleter> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return ExternalError("TLS is not there: {}", TlsErrors());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     nullptr);
  if (settings.verify) MILLRACE_RETURN_IF_ERROR(Trust(settings, context.get()));
  MILLRACE_RETURN_IF_ERROR(Identify(settings, context.get()));
  return std::unique_ptr<const TlsContext>(
      new TlsContext(std::move(context), settings.verify && settings.verify_name));
}

Result<std::unique_ptr<ssl_st, SslDeleter>> TlsContext::Begin(
    int socket, const std::string& host) const {
  std::unique_ptr<SSL, SslDeleter> ssl(SSL_new(context_.get()));
  bool well = ssl != nullptr && SSL_set_fd(ssl.get(), socket) == 1;
  const bool address = IsAddress(host);
  if (well && !address) well = SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  if (well && verify_name_) {
    well = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()),
                                                   host.c_str()) == 1
                   : SSL_set1_host(ssl.get(), host.c_str()) == 1;
  }
  if (!well) return ExternalError("TLS cannot begin: {}", TlsErrors());
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace millrace::connectors::kafka::fetch
