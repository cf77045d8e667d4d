// Tables filled by queries, and streams fed by programs, both in memory. Mostly for
// tests. Spark: MemorySink, MemoryStream.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector/sink.h"
#include "connector/source.h"
#include "connector/tables.h"

namespace millrace::connectors::memory {

/// The tables that format("memory") fills, by session and query name.
class MemoryTables final : public connector::Tables {
 public:
  std::optional<connector::TableContent> Find(std::string_view session_id,
                                              std::string_view name) const override;
  void DropAll(std::string_view session_id) override;

  /// Makes an empty table, instead of one of the same name. Returns its number, which
  /// tells it from later ones.
  int64_t Create(std::string_view session_id, std::string_view name,
                 const data::SchemaPtr& schema);
  /// Adds rows, or replaces all. Nothing happens to a table that was replaced since.
  void Put(std::string_view session_id, std::string_view name, int64_t number,
           std::vector<data::Batch> rows, bool replace);

 private:
  struct Table {
    int64_t number = 0;
    connector::TableContent content;
  };

  mutable std::mutex mutex_;
  using Key = std::pair<std::string, std::string>;  // session, lower-case name
  static Key KeyOf(std::string_view session_id, std::string_view name);

  std::map<Key, Table> tables_;  // guarded by mutex_
  int64_t created_ = 0;          // guarded by mutex_
};

/// `tables` outlives the provider and its sinks.
std::unique_ptr<connector::SinkProvider> MakeMemorySinkProvider(MemoryTables& tables);

/// A stream of batches that a program adds.
/// Threading: any thread.
class MemoryStream {
 public:
  explicit MemoryStream(data::SchemaPtr schema) : schema_(std::move(schema)) {}

  /// Makes the rows available and wakes queries that wait for data. Returns the new
  /// offset.
  int64_t Add(data::Batch batch);

  const data::SchemaPtr& schema() const { return schema_; }
  /// How many batches there are; the last offset is one less.
  int64_t size() const;
  /// Batches `first` to `last`, both included.
  std::vector<data::Batch> Range(int64_t first, int64_t last) const;

  /// `clock` is woken by Add as long as it is attached.
  void Attach(Clock* clock);
  void Detach(Clock* clock);

 private:
  const data::SchemaPtr schema_;
  mutable std::mutex mutex_;
  std::vector<data::Batch> batches_;  // guarded by mutex_
  std::vector<Clock*> clocks_;        // guarded by mutex_
};

/// The streams of a session, by name.
/// Threading: any thread.
class MemoryStreams {
 public:
  /// The stream of this name, made if there is none. Errors: it has another schema.
  Result<std::shared_ptr<MemoryStream>> Get(std::string_view name,
                                            const data::SchemaPtr& schema);
  /// Null where there is none.
  std::shared_ptr<MemoryStream> Find(std::string_view name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MemoryStream>, std::less<>>
      streams_;  // by mutex_
};

/// `streams` outlives the provider and its sources.
std::unique_ptr<connector::SourceProvider> MakeMemoryStreamProvider(
    MemoryStreams& streams);

}  // namespace millrace::connectors::memory
