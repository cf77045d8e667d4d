#include "expr/aggregates/hyper_log_log.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace millrace::expr {
namespace {

constexpr int kRegisterBits = 6;
constexpr uint64_t kRegisterMask = (1U << kRegisterBits) - 1;
constexpr size_t kRegistersPerWord = 10;
constexpr size_t kNeighbours = 6;  // raw estimates a bias is interpolated from
// Beyond this a sketch would take more memory than any answer is worth.
constexpr int kMaxPrecision = 24;

}  // namespace

std::optional<HyperLogLog> HyperLogLog::Make(double relative_deviation) {
  const double precision =
      std::ceil(2.0 * std::log(1.106 / relative_deviation) / std::log(2.0));
  if (!(precision >= 4 && precision <= kMaxPrecision)) return std::nullopt;
  return HyperLogLog(static_cast<int>(precision));
}

HyperLogLog::HyperLogLog(int precision)
    : precision_(precision),
      num_registers_(size_t{1} << precision),
      num_words_(num_registers_ / kRegistersPerWord + 1),
      data_(FindHyperLogLogData(precision)) {
  const auto m = static_cast<double>(num_registers_);
  switch (precision) {
    case 4:
      alpha_m2_ = 0.673 * m * m;
      break;
    case 5:
      alpha_m2_ = 0.697 * m * m;
      break;
    case 6:
      alpha_m2_ = 0.709 * m * m;
      break;
    default:
      alpha_m2_ = (0.7213 / (1.0 + 1.079 / m)) * m * m;
  }
}

void HyperLogLog::Add(uint64_t hash, std::span<uint64_t> words) const {
  const size_t index = hash >> (64 - precision_);
  const uint64_t padding = uint64_t{1} << (precision_ - 1);
  const auto rank =
      static_cast<uint64_t>(std::countl_zero((hash << precision_) | padding)) + 1;
  uint64_t& word = words[index / kRegistersPerWord];
  const int shift = kRegisterBits * static_cast<int>(index % kRegistersPerWord);
  const uint64_t current = (word >> shift) & kRegisterMask;
  if (rank > current) word = (word & ~(kRegisterMask << shift)) | (rank << shift);
}

void HyperLogLog::Merge(std::span<const uint64_t> from, std::span<uint64_t> into) const {
  for (size_t index = 0; index < num_registers_; ++index) {
    const int shift = kRegisterBits * static_cast<int>(index % kRegistersPerWord);
    const uint64_t rank = (from[index / kRegistersPerWord] >> shift) & kRegisterMask;
    uint64_t& word = into[index / kRegistersPerWord];
    if (rank > ((word >> shift) & kRegisterMask)) {
      word = (word & ~(kRegisterMask << shift)) | (rank << shift);
    }
  }
}

int64_t HyperLogLog::Estimate(std::span<const uint64_t> words) const {
  double inverse = 0;
  double empty = 0;
  for (size_t index = 0; index < num_registers_; ++index) {
    const int shift = kRegisterBits * static_cast<int>(index % kRegistersPerWord);
    const uint64_t rank = (words[index / kRegistersPerWord] >> shift) & kRegisterMask;
    inverse += 1.0 / static_cast<double>(uint64_t{1} << rank);
    if (rank == 0) empty += 1;
  }
  const auto m = static_cast<double>(num_registers_);
  const double raw = alpha_m2_ / inverse;
  double estimate = 0;
  const double linear = empty > 0 ? m * std::log(m / empty) : 0;
  if (empty > 0 &&
      ((data_ != nullptr && linear <= data_->linear_counting_limit) || raw <= 2.5 * m)) {
    estimate = linear;
  } else {
    estimate = data_ != nullptr && raw < 5.0 * m ? BiasCorrected(raw) : raw;
  }
  return static_cast<int64_t>(std::floor(estimate + 0.5));
}

double HyperLogLog::BiasCorrected(double estimate) const {
  const std::span<const double> estimates = data_->estimates;
  const auto nearest = static_cast<size_t>(
      std::lower_bound(estimates.begin(), estimates.end(), estimate) - estimates.begin());
  const auto distance = [&](size_t i) {
    return (estimate - estimates[i]) * (estimate - estimates[i]);
  };
  size_t low = nearest + 1 > kNeighbours ? nearest + 1 - kNeighbours : 0;
  size_t high = std::min(low + kNeighbours, estimates.size());
  while (high < estimates.size() && distance(high) < distance(low)) {
    ++low;
    ++high;
  }
  double sum = 0;
  for (size_t i = low; i < high; ++i) sum += data_->biases[i];
  return estimate - sum / static_cast<double>(high - low);
}

}  // namespace millrace::expr
