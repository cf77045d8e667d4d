// The certificates a Kafka client trusts, out of the stores Java programs keep them in.
#pragma once

#include <optional>
#include <string>

#include "millrace/status.h"

namespace millrace::connectors::kafka {

enum class StoreFormat { kPem, kPkcs12, kJks };

/// What a store's first bytes say it is, as Java finds it out too: since Java 9 keytool
/// makes PKCS12 stores whatever their file is called. Errors: cannot be read, or none of
/// these; they name the option `key`.
Result<StoreFormat> FindStoreFormat(const std::string& path, const std::string& key);

/// All certificates of the store `path` as PEM texts, one behind the other.
///
/// Of a JKS store they can be read without its password; one that is given is checked.
/// Errors: no file, no store, the wrong password, no certificate in it. They name
/// 'kafka.ssl.truststore.location' and never show the password.
Result<std::string> ReadTrustStore(const std::string& path,
                                   const std::optional<std::string>& password);

}  // namespace millrace::connectors::kafka
