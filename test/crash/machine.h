// For tests only: a machine with a disk that can break, on which queries over a stream of
// orders run into a lake.
#pragma once

#include <arrow/type.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/mem_file_system.h"
#include "client/connection.h"
#include "connectors/file/file_provider.h"
#include "connectors/memory/memory.h"
#include "data/batch.h"
#include "local/local_transport.h"
#include "millrace/millrace.h"

namespace millrace {

using Rows = std::vector<std::string>;
using MakeQuery = DataFrame (*)(const DataFrame& orders);

inline const data::SchemaPtr& OrdersSchema() {
  static const data::SchemaPtr schema =
      arrow::schema({arrow::field("user_id", data::StringType()),
                     arrow::field("amount", data::DoubleType()),
                     arrow::field("ts", data::TimestampType())});
  return schema;
}

inline data::Batch Orders(std::string_view json) {
  auto batch = data::BatchFromJson(OrdersSchema(), json);
  EXPECT_TRUE(batch.ok()) << batch.status().ToString();
  return *batch;
}

// What the stream gets, one batch after the other.
inline const std::vector<std::string>& Input() {
  static const std::vector<std::string> batches = {
      R"([["a", 1.0, "2026-01-01T00:00:10Z"], ["b", 2.0, "2026-01-01T00:00:50Z"],
          [null, 9.0, "2026-01-01T00:00:51Z"]])",
      R"([["a", 4.0, "2026-01-01T00:01:10Z"], ["c", 8.0, "2026-01-01T00:00:20Z"]])",
      R"([["b", 16.0, "2026-01-01T00:09:00Z"]])",
      R"([["a", 32.0, "2026-01-01T00:30:00Z"], ["a", 64.0, "2026-01-01T00:00:00Z"]])",
  };
  return batches;
}

// One machine: a disk, and a stream that outlives its crashes as Kafka would.
class Machine {
 public:
  Machine() : clock_(EpochMillis(std::chrono::milliseconds(1'750'000'000'000))) {
    connectors_.AddSource(connectors::memory::MakeMemoryStreamProvider(streams_));
    connectors_.AddSource(connectors::file::MakeParquetProvider());
    connectors_.AddSink(connectors::file::MakeParquetSinkProvider());
    auto stream = streams_.Get("orders", OrdersSchema());
    EXPECT_TRUE(stream.ok());
    stream_ = *stream;
  }

  MemFileSystem& disk() { return disk_; }
  void Add(const std::string& rows) { stream_->Add(Orders(rows)); }

  // Runs the query over all there is, to its end.
  Status Run(MakeQuery make_query) {
    const SparkSession spark = Session();
    const DataFrame orders =
        spark.ReadStream().Format("memory_stream").Option("name", "orders").Load();
    MILLRACE_ASSIGN_OR_RETURN(const StreamingQuery query,
                              make_query(orders)
                                  .WriteStream()
                                  .Format("parquet")
                                  .Option("checkpointLocation", "/data/checkpoint")
                                  .Trigger(Trigger::AvailableNow())
                                  .Start("/data/lake"));
    return query.AwaitTermination().status();
  }

  Rows Lake() {
    const auto text = Session().Read().Parquet("/data/lake").ShowString(1000, 0);
    EXPECT_TRUE(text.ok()) << text.status().ToString();
    Rows rows;
    if (!text.ok()) return rows;
    std::string line;
    for (char c : *text) {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (line.starts_with('|')) rows.push_back(line);
      line.clear();
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }

 private:
  SparkSession Session() {
    return SparkSession(std::make_shared<detail::Connection>(
        local::MakeLocalTransport({&connectors_, &disk_, &clock_})));
  }

  MemFileSystem disk_;
  ManualClock clock_;
  connectors::memory::MemoryStreams streams_;
  std::shared_ptr<connectors::memory::MemoryStream> stream_;
  plan::Connectors connectors_;
};

}  // namespace millrace
