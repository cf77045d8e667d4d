// millrace submit: runs a PySpark script on a server of its own, as spark-submit does on
// a cluster.
#pragma once

#include <string>
#include <vector>

#include "millrace/status.h"

namespace millrace::app {

struct SubmitArguments {
  std::string python;  // empty: PYSPARK_DRIVER_PYTHON, PYSPARK_PYTHON or python3
  std::vector<std::string> conf;     // "key=value", checked
  std::vector<std::string> command;  // the script and its arguments
  std::vector<std::string> ignored;  // options of spark-submit that mean nothing here
};

/// Runs the script to its end and stops the queries it left running. Gives its exit code;
/// 128 and the signal's number where a signal ended it. Errors: no such script or Python.
Result<int> Submit(const SubmitArguments& arguments);

}  // namespace millrace::app
