// For sources that may have something to say in explain().
#pragma once

#include <string>

#include "base/options.h"

namespace millrace::connector {

/// What a SourceProvider is as well, if it can read in more than one way.
class ExplainedSource {
 public:
  virtual ~ExplainedSource() = default;
  /// How rows are read where that is not the usual way: "through librdkafka, since …".
  /// Empty where it is.
  virtual std::string ReadNote(const Options& options) const = 0;
};

}  // namespace millrace::connector
