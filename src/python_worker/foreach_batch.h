// The sink of foreachBatch and foreach: each batch is handed to PySpark's own
// foreachBatch worker, which reads its rows from the server and calls the user's
// function.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "connector/sink.h"

namespace millrace::python_worker {

/// How this process runs pickled Python.
struct PythonOptions {
  std::string python = "python3";
  /// Where the worker finds the server: "sc://localhost:15002/", with its token. Known as
  /// soon as the server listens.
  std::shared_future<std::string> connect_url;
};

/// What a function was pickled for.
enum class FunctionKind {
  kForeachBatch,  // a function of a DataFrame and the number of a batch
  kForeach,  // PySpark's tuple around a function of a partition's number and its rows
};

struct ForeachFunction {
  FunctionKind kind = FunctionKind::kForeachBatch;
  std::string command;         // pickled
  std::string python_version;  // "3.11": the worker refuses another
};

/// Gives the rows of a batch a name under which the session's client can read them, and
/// takes it back.
struct BatchFrames {
  std::function<std::string(data::SchemaPtr schema, std::vector<data::Batch> rows)> add;
  std::function<void(const std::string& id)> remove;
};

/// `options` must outlive it.
std::unique_ptr<connector::SinkProvider> MakeForeachSinkProvider(
    const PythonOptions& options, ForeachFunction function, std::string user_id,
    BatchFrames frames);

}  // namespace millrace::python_worker
