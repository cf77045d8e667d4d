#include "kafka_properties.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace orders {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

std::string_view SkipBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  return text;
}

bool IsContinued(std::string_view line) {
  size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') {
    ++backslashes;
  }
  return backslashes % 2 == 1;
}

// Lines that end in a backslash joined to those that follow; no comments, no empty ones.
std::vector<std::string> LogicalLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  bool continued = false;
  for (std::string raw; std::getline(stream, raw);) {
    if (raw.ends_with('\r')) raw.pop_back();
    std::string_view line = SkipBlanks(raw);
    if (!continued) {
      if (line.empty() || line.front() == '#' || line.front() == '!') continue;
      lines.emplace_back();
    }
    continued = IsContinued(line);
    if (continued) line.remove_suffix(1);
    lines.back() += line;
  }
  return lines;
}

// Where an unescaped separator ends the key.
size_t KeyEnd(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || IsBlank(line[i])) {
      return i;
    }
  }
  return line.size();
}

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (const char c = text[++i]) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

KafkaProperties ParseKafkaProperties(const std::string& text) {
  KafkaProperties properties;
  for (const std::string& line : LogicalLines(text)) {
    const size_t end = KeyEnd(line);
    std::string_view value = SkipBlanks(std::string_view(line).substr(end));
    if (value.starts_with('=') || value.starts_with(':')) {
      value = SkipBlanks(value.substr(1));
    }
    properties[Unescape(line.substr(0, end))] = Unescape(value);
  }
  return properties;
}

KafkaProperties ReadKafkaProperties(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  const bool folder = std::filesystem::is_directory(file);  // can be opened, not read
  if (!stream || folder) {
    throw std::runtime_error("The file " + file +
                             " with settings for Kafka cannot be read: " +
                             std::strerror(folder ? EISDIR : errno));
  }
  content << stream.rdbuf();
  return ParseKafkaProperties(content.str());
}

void AddCommandConfig(CLI::App& program, KafkaProperties* properties) {
  constexpr const char* kName = "--command-config";
  program.add_option_function<std::string>(
      kName,
      [=](const std::string& file) {
        try {
          *properties = ReadKafkaProperties(file);
        } catch (const std::runtime_error& error) {
          throw CLI::ValidationError(kName, error.what());
        }
      },
      "A file with more settings for Kafka, such as security.protocol and "
      "sasl.jaas.config, as Kafka's own tools take.");
}

}  // namespace orders
