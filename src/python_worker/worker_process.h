// A Python process of PySpark's that runs what users pickled. The server itself never
// unpickles. PySpark: worker_util.get_sock_file_to_executor, serializers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace::python_worker {

struct WorkerCommand {
  std::string python;                              // executable, looked up in PATH
  std::string module;                              // as in python -m
  std::map<std::string, std::string> environment;  // over this process's own
  /// Lines of its standard output that begin so are not shown: they hold secrets.
  std::string hidden_prefix;
};

/// Speaks with the worker over a socket: numbers are big-endian, texts begin with their
/// length in bytes as an int. Ends the process when destroyed.
///
/// Threading: one thread; it waits until the worker answers or `stop` is requested, which
/// kills the worker. Failure: any error leaves the worker useless.
class WorkerProcess {
 public:
  /// Errors: no such executable; the process ended or did not connect within a minute.
  static Result<std::unique_ptr<WorkerProcess>> Start(const WorkerCommand& command,
                                                      std::stop_token stop);
  virtual ~WorkerProcess() = default;

  virtual void PutLong(int64_t value) = 0;
  virtual void PutBytes(std::string_view bytes) = 0;
  /// Sends what was put.
  virtual Status Flush() = 0;

  virtual Result<int32_t> ReadInt() = 0;
  virtual Result<std::string> ReadBytes() = 0;
};

}  // namespace millrace::python_worker
