// AES in the modes that Spark has: ECB and CBC with PKCS padding, GCM. What is encrypted
// in CBC and GCM carries its initialisation vector in front.
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

constexpr int kTagSize = 16;

struct Mode {
  Text name;
  size_t iv_size = 0;
  std::array<const EVP_CIPHER* (*)(), 3> ciphers{};  // of keys of 16, 24 and 32 bytes
};
constexpr Mode kModes[] = {
    {"ECB", 0, {EVP_aes_128_ecb, EVP_aes_192_ecb, EVP_aes_256_ecb}},
    {"CBC", 16, {EVP_aes_128_cbc, EVP_aes_192_cbc, EVP_aes_256_cbc}},
    {"GCM", 12, {EVP_aes_128_gcm, EVP_aes_192_gcm, EVP_aes_256_gcm}},
};

struct Options {
  Text key;
  Text mode;
  Text padding;
  Text iv;   // empty: a random one
  Text aad;  // authenticated, not encrypted
};

Error InvalidParameter(Text kind, Text parameter, const std::string& words) {
  return Error(Fault::kData,
               "The value of parameter(s) {} in `aes_encrypt`/`aes_decrypt` is invalid: "
               "{}",
               parameter, words)
      .Class(fmt::format("INVALID_PARAMETER_VALUE.{}", kind), "22023")
      .Java(kSparkRuntimeException)
      .Param("parameter", std::string(parameter))
      .Param("functionName", "`aes_encrypt`/`aes_decrypt`");
}

Error CryptoError(const std::string& detail) {
  return InvalidParameter("AES_CRYPTO_ERROR", "`expr`, `key`",
                          fmt::format("detail message: {}", detail))
      .Param("detailMessage", detail);
}

Result<const Mode*> FindMode(const Options& options) {
  for (const Mode& mode : kModes) {
    if (!EqualsIgnoreCase(mode.name, options.mode)) continue;
    const bool pkcs = EqualsIgnoreCase(options.padding, "PKCS");
    const bool none = EqualsIgnoreCase(options.padding, "NONE");
    if (EqualsIgnoreCase(options.padding, "DEFAULT") ||
        (mode.name == "GCM" ? none : pkcs)) {
      return &mode;
    }
  }
  return Error(Fault::kUser,
               "The feature is not supported: AES-{} with the padding {} by the "
               "`aes_encrypt`/`aes_decrypt` function.",
               options.mode, options.padding)
      .Class("UNSUPPORTED_FEATURE.AES_MODE", "0A000")
      .Java(kSparkRuntimeException)
      .Param("mode", std::string(options.mode))
      .Param("padding", std::string(options.padding))
      .Param("functionName", "`aes_encrypt`/`aes_decrypt`");
}

Result<const EVP_CIPHER*> FindCipher(const Mode& mode, Text key) {
  if (key.size() == 16 || key.size() == 24 || key.size() == 32) {
    return mode.ciphers[(key.size() - 16) / 8]();
  }
  return InvalidParameter(
             "AES_KEY_LENGTH", "`key`",
             fmt::format("expects a binary value with 16, 24 or 32 bytes, but got {} "
                         "bytes.",
                         key.size()))
      .Param("actualLength", fmt::to_string(key.size()));
}

Status CheckIv(const Mode& mode, const Options& options) {
  if (options.iv.empty() || options.iv.size() == mode.iv_size) return Status::OK();
  if (mode.iv_size == 0) {
    return Error(Fault::kUser,
                 "The feature is not supported: `aes_encrypt` with AES-ECB does not "
                 "support initialization vectors (IVs).")
        .Class("UNSUPPORTED_FEATURE.AES_MODE_IV", "0A000")
        .Java(kSparkRuntimeException)
        .Param("mode", "ECB")
        .Param("functionName", "`aes_encrypt`");
  }
  return InvalidParameter(
             "AES_IV_LENGTH", "`iv`",
             fmt::format("supports {}-byte CBC IVs and 12-byte GCM IVs, but got {} bytes "
                         "for {}.",
                         16, options.iv.size(), mode.name))
      .Param("mode", std::string(mode.name))
      .Param("actualLength", fmt::to_string(options.iv.size()));
}

const unsigned char* Bytes(Text text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// One message through OpenSSL.
class Cipher {
 public:
  Cipher() : context_(EVP_CIPHER_CTX_new()) {}
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher() { EVP_CIPHER_CTX_free(context_); }

  bool Start(const EVP_CIPHER* cipher, Text key, Text iv, Text aad, bool encrypts) {
    int size = 0;
    return EVP_CipherInit_ex(context_, cipher, nullptr, Bytes(key),
                             iv.empty() ? nullptr : Bytes(iv), encrypts ? 1 : 0) == 1 &&
           (aad.empty() || EVP_CipherUpdate(context_, nullptr, &size, Bytes(aad),
                                            static_cast<int>(aad.size())) == 1);
  }
  bool SetTag(Text tag) {
    std::string copy(tag);
    return EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTagSize, copy.data()) ==
           1;
  }
  bool Run(Text input, std::string* out) {
    const size_t before = out->size();
    out->resize(before + input.size() + EVP_MAX_BLOCK_LENGTH);
    auto* const target = reinterpret_cast<unsigned char*>(out->data() + before);
    int written = 0;
    int last = 0;
    const bool ok = EVP_CipherUpdate(context_, target, &written, Bytes(input),
                                     static_cast<int>(input.size())) == 1 &&
                    EVP_CipherFinal_ex(context_, target + written, &last) == 1;
    out->resize(before + (ok ? static_cast<size_t>(written + last) : 0));
    return ok;
  }
  bool AppendTag(std::string* out) {
    std::array<char, kTagSize> tag{};
    if (EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag.data()) != 1) {
      return false;
    }
    out->append(tag.data(), tag.size());
    return true;
  }

 private:
  EVP_CIPHER_CTX* const context_;
};

Status Encrypt(Text input, const Options& options, std::string* out) {
  MILLRACE_ASSIGN_OR_RETURN(const Mode* mode, FindMode(options));
  MILLRACE_ASSIGN_OR_RETURN(const EVP_CIPHER* algorithm, FindCipher(*mode, options.key));
  MILLRACE_RETURN_IF_ERROR(CheckIv(*mode, options));
  std::string iv(options.iv);
  if (iv.empty() && mode->iv_size > 0) {
    iv.resize(mode->iv_size);
    if (RAND_bytes(reinterpret_cast<unsigned char*>(iv.data()),
                   static_cast<int>(iv.size())) != 1) {
      return InternalError("OpenSSL has no random bytes.");
    }
  }
  *out += iv;
  Cipher cipher;
  const bool tagged = mode->name == "GCM";
  if (!cipher.Start(algorithm, options.key, iv, options.aad, true) ||
      !cipher.Run(input, out) || (tagged && !cipher.AppendTag(out))) {
    return CryptoError("the input cannot be encrypted.");
  }
  return Status::OK();
}

Status Decrypt(Text input, const Options& options, std::string* out) {
  MILLRACE_ASSIGN_OR_RETURN(const Mode* mode, FindMode(options));
  MILLRACE_ASSIGN_OR_RETURN(const EVP_CIPHER* algorithm, FindCipher(*mode, options.key));
  const bool tagged = mode->name == "GCM";
  const size_t least = mode->iv_size + (tagged ? kTagSize : 0);
  if (input.size() < least) return CryptoError("Input data too short.");
  const Text iv = input.substr(0, mode->iv_size);
  Text body = input.substr(iv.size());
  Cipher cipher;
  bool ok = cipher.Start(algorithm, options.key, iv, options.aad, false);
  if (tagged) {
    ok = ok && cipher.SetTag(body.substr(body.size() - kTagSize));
    body.remove_suffix(kTagSize);
  } else if (body.size() % 16 != 0) {
    return CryptoError(
        "Input length must be multiple of 16 when decrypting with padded cipher");
  }
  if (!ok || !cipher.Run(body, out)) {
    return CryptoError(tagged ? "Tag mismatch"
                              : "Given final block not properly padded. Such issues can "
                                "arise if a bad key is used during decryption.");
  }
  return Status::OK();
}

// input, key, mode, padding, and then iv (to encrypt only) and aad: all that are left out
// have a default.
std::vector<ExprPtr> WithDefaults(Args args, size_t all) {
  std::vector<ExprPtr> given(args.begin(), args.end());
  if (given.size() < 3) given.push_back(MakeString("GCM"));
  if (given.size() < 4) given.push_back(MakeString("DEFAULT"));
  while (given.size() < all) given.push_back(MakeString(""));
  return given;
}

Bound BindEncrypt(Args args, const BindContext&) {
  bool random = args.size() < 5;
  const data::TypePtr binary = data::BinaryType();
  const data::TypePtr text = data::StringType();
  return BindWith("aes_encrypt", WithDefaults(args, 6),
                  {binary, binary, text, text, binary, binary}, binary,
                  TextKernel<Text, Text, Text, Text, Text, Text>(
                      [](Text input, Text key, Text mode, Text padding, Text iv, Text aad,
                         std::string* out) {
                        return Encrypt(input, {key, mode, padding, iv, aad}, out);
                      }),
                  {.makes_nulls = true, .can_fail = true, .deterministic = !random});
}

template <bool kTries>
Bound BindDecrypt(Args args, const BindContext&) {
  const data::TypePtr binary = data::BinaryType();
  const data::TypePtr text = data::StringType();
  return BindWith(
      kTries ? "try_aes_decrypt" : "aes_decrypt", WithDefaults(args, 5),
      {binary, binary, text, text, binary}, binary,
      TextKernel<Text, Text, Text, Text, Text>([](Text input, Text key, Text mode,
                                                  Text padding, Text aad,
                                                  std::string* out) -> Result<bool> {
        const Status status = Decrypt(input, {key, mode, padding, "", aad}, out);
        if (!status.ok() && !kTries) return status;
        return status.ok();
      }),
      {.makes_nulls = true, .can_fail = !kTries});
}

constexpr FunctionSpec kFunctions[] = {
    {"aes_decrypt", 2, 5, BindDecrypt<false>,
     "The input that aes_encrypt made this of, with the key, mode, padding and AAD.",
     "aes_decrypt(unbase64('3lmwu+Mw0H3fi5NDvcu9lg=='), '1234567890abcdef', 'ECB', "
     "'PKCS') → Spark SQL"},
    {"aes_encrypt", 2, 6, BindEncrypt,
     "The input encrypted with a key, in mode GCM, ECB or CBC.",
     "base64(aes_encrypt('Spark', '0000111122223333', 'ECB', 'PKCS')) → "
     "NI/zfr3gW3iAujOQaPvaXg=="},
    {"try_aes_decrypt", 2, 5, BindDecrypt<true>, "As aes_decrypt; null where that fails.",
     "try_aes_decrypt(unhex('00'), '0000111122223333', 'ECB', 'PKCS') → NULL"},
};

}  // namespace

std::span<const FunctionSpec> AesFunctions() { return kFunctions; }

}  // namespace millrace::expr
