// The published constants that correct the bias of HyperLogLog++ estimates.
#pragma once

#include <span>

namespace millrace::expr {

/// The constants of one precision.
struct HyperLogLogData {
  double linear_counting_limit;       // linear counting is better up to here
  std::span<const double> estimates;  // raw ones, ascending
  std::span<const double> biases;     // … and by how much they are too high
};

/// Nothing for a precision outside 4 to 18.
const HyperLogLogData* FindHyperLogLogData(int precision);

}  // namespace millrace::expr
