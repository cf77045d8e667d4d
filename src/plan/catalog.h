// What names a plan may use: formats to read and write, tables, and the session's
// settings.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connector/sink.h"
#include "connector/source.h"
#include "connector/tables.h"

namespace millrace::plan {

/// The formats this process knows. Filled once at start by the list of registrations.
/// Threading: read-only once filled.
class Connectors {
 public:
  void AddSource(std::unique_ptr<connector::SourceProvider> provider);
  void AddSink(std::unique_ptr<connector::SinkProvider> provider);
  void AddTables(std::shared_ptr<connector::Tables> tables);

  /// By Spark's name, without case. Errors: DATA_SOURCE_NOT_FOUND / 42K02.
  Result<const connector::SourceProvider*> Source(std::string_view format) const;
  Result<const connector::SinkProvider*> Sink(std::string_view format) const;
  const std::vector<std::shared_ptr<connector::Tables>>& tables() const {
    return tables_;
  }

 private:
  std::map<std::string, std::unique_ptr<connector::SourceProvider>> sources_;
  std::map<std::string, std::unique_ptr<connector::SinkProvider>> sinks_;
  std::vector<std::shared_ptr<connector::Tables>> tables_;
};

/// A session's settings: Spark's keys, what the user set over Spark's defaults.
/// Threading: one thread at a time; copied into a query when it starts.
class SessionConf {
 public:
  /// Errors: CANNOT_MODIFY_STATIC_CONFIG / 46110 for a static key; INVALID_CONF_VALUE for
  /// a bad value of a key that matters here.
  Status Set(const std::string& key, const std::string& value);
  void Unset(const std::string& key);
  /// False for keys that are fixed when Spark starts.
  static bool IsModifiable(std::string_view key);
  /// The set value or the default; nothing where there is neither.
  std::optional<std::string> Get(std::string_view key) const;
  std::string GetOr(std::string_view key, std::string_view fallback) const;
  bool GetBool(std::string_view key) const;    // of a key with a default
  int64_t GetInt(std::string_view key) const;  // of a key with a default; times in ms
  const std::map<std::string, std::string, std::less<>>& explicitly_set() const {
    return set_;
  }

  /// Whose tables a plan sees and a query fills.
  const std::string& session_id() const { return session_id_; }
  void set_session_id(std::string id) { session_id_ = std::move(id); }

  /// What `USE` named; in lower case.
  const std::string& current_database() const { return current_database_; }
  void set_current_database(std::string name) { current_database_ = std::move(name); }

  std::string time_zone() const { return GetOr("spark.sql.session.timeZone", "UTC"); }

 private:
  std::map<std::string, std::string, std::less<>> set_;
  std::string session_id_;
  std::string current_database_ = "default";
};

}  // namespace millrace::plan
