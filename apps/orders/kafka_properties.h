// Settings for Kafka out of a file, as Kafka's own tools take them with --command-config.
#pragma once

#include <map>
#include <string>

namespace CLI {
class App;
}

namespace orders {

using KafkaProperties = std::map<std::string, std::string>;

/// Reads a Java properties file, such as
///   security.protocol=SSL
///   ssl.truststore.location=/etc/kafka/trust.jks
/// Throws std::runtime_error where it cannot be read.
KafkaProperties ReadKafkaProperties(const std::string& file);

/// The settings a Java properties text holds: comments, continued lines and escapes as in
/// java.util.Properties, but for \uXXXX.
KafkaProperties ParseKafkaProperties(const std::string& text);

/// Adds the option --command-config, which reads such a file.
void AddCommandConfig(CLI::App& program, KafkaProperties* properties);

}  // namespace orders
