// For programs that use librdkafka beside Millrace: the settings a Spark user knows.
#pragma once

#include <map>
#include <string>

#include "millrace/status.h"

namespace millrace {

/// Translates settings of Kafka's Java clients into librdkafka's, as the Kafka source
/// does with its `kafka.*` options: "sasl.jaas.config" into user and password, stores of
/// trusted certificates (JKS, PKCS12, PEM) into PEM texts. librdkafka's own names pass
/// unchanged; names that only mean something to Java are left out. The result may hold
/// passwords. Errors: an unknown name, a value that cannot be used or translated.
Result<std::map<std::string, std::string>> LibrdkafkaSettings(
    const std::map<std::string, std::string>& settings);

/// A sentence for the user whose login with these settings (of librdkafka) was refused,
/// where a defect of this librdkafka may be the reason; else empty.
std::string KnownLoginDefect(const std::map<std::string, std::string>& settings);

}  // namespace millrace
