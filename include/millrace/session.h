// Where every program begins: a session, its settings, and what it can read. Spark:
// SparkSession.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/dataframe.h"
#include "millrace/status.h"

namespace millrace {

namespace detail {
struct ReadSpec;
}

/// Built step by step from SparkSession::Read() or ReadStream(); Load() gives the table.
class DataFrameReader {
 public:
  DataFrameReader(std::shared_ptr<detail::Connection> connection, bool streaming);

  DataFrameReader& Format(std::string_view format);
  /// DDL ("id BIGINT, name STRING") or Spark's JSON of a schema.
  DataFrameReader& Schema(std::string_view schema);
  DataFrameReader& Option(std::string_view key, std::string_view value);
  DataFrameReader& Option(std::string_view key, const char* value) {
    return Option(key, std::string_view(value));
  }
  DataFrameReader& Option(std::string_view key, bool value);
  DataFrameReader& Option(std::string_view key, int64_t value);
  DataFrameReader& Option(std::string_view key, int value) {
    return Option(key, static_cast<int64_t>(value));
  }
  DataFrameReader& Options(const std::map<std::string, std::string>& options);

  DataFrame Load() const;
  DataFrame Load(std::string_view path) const;
  DataFrame Json(std::string_view path);
  DataFrame Csv(std::string_view path);
  DataFrame Parquet(std::string_view path);
  DataFrame Table(std::string_view name) const;

 private:
  std::shared_ptr<detail::Connection> connection_;
  std::shared_ptr<detail::ReadSpec> spec_;
};

using DataStreamReader = DataFrameReader;

/// Threading: all methods may be called from any thread.
class SparkSession {
 public:
  class Builder {
   public:
    Builder& AppName(std::string_view name);
    /// "local[*]": the engine in this process.
    Builder& Master(std::string_view master);
    /// "sc://host:port/;token=…": a Spark Connect server, Millrace's or Apache Spark's.
    /// Failure to reach it is told by the first call.
    Builder& Remote(std::string_view url);
    Builder& Config(std::string_view key, std::string_view value);
    Result<SparkSession> GetOrCreate();

   private:
    std::string master_ = "local[*]";
    std::map<std::string, std::string> config_;
  };

  explicit SparkSession(std::shared_ptr<detail::Connection> connection)
      : connection_(std::move(connection)) {}

  DataFrameReader Read() const { return DataFrameReader(connection_, false); }
  DataStreamReader ReadStream() const { return DataStreamReader(connection_, true); }
  /// A temporary view or a table of the memory sink.
  DataFrame Table(std::string_view name) const { return Read().Table(name); }
  /// Runs SQL text: a command at once, a query when the result is read. `args` are the
  /// values of its parameters: of ? in their order, or of :name.
  Result<DataFrame> Sql(std::string_view query,
                        const std::vector<Column>& args = {}) const;
  Result<DataFrame> Sql(std::string_view query,
                        const std::map<std::string, Column>& args) const;
  /// Numbers from `start` up to but not including `end`, column "id".
  DataFrame Range(int64_t start, int64_t end, int64_t step = 1) const;

  Status SetConf(std::string_view key, std::string_view value) const;
  Result<std::string> GetConf(std::string_view key) const;
  Result<std::vector<StreamingQuery>> ActiveQueries() const;
  Result<std::string> Version() const;

  const std::shared_ptr<detail::Connection>& connection() const { return connection_; }

 private:
  std::shared_ptr<detail::Connection> connection_;
};

}  // namespace millrace
