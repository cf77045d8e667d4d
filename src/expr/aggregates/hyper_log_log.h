// HyperLogLog++ sketches in Spark's layout (HyperLogLogPlusPlusHelper): 6-bit registers,
// ten to a 64-bit word. The same rows give the same words, and the same estimate, as in
// Spark.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "expr/aggregates/hyper_log_log_data.h"

namespace millrace::expr {

/// The shape of a sketch. The words belong to the caller.
class HyperLogLog {
 public:
  /// `relative_deviation` is the greatest standard deviation allowed, above 0 and at most
  /// 0.39; nothing for others.
  static std::optional<HyperLogLog> Make(double relative_deviation);

  /// Words of one sketch; all of them 0 are an empty one.
  size_t num_words() const { return num_words_; }

  void Add(uint64_t hash, std::span<uint64_t> words) const;
  /// Adds all that another sketch of this shape has seen.
  void Merge(std::span<const uint64_t> from, std::span<uint64_t> into) const;
  int64_t Estimate(std::span<const uint64_t> words) const;

 private:
  explicit HyperLogLog(int precision);
  double BiasCorrected(double estimate) const;

  int precision_;
  size_t num_registers_;
  size_t num_words_;
  double alpha_m2_;
  const HyperLogLogData* data_;
};

}  // namespace millrace::expr
