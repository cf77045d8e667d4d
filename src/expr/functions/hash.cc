// hash and xxhash64: Spark's own hashes of one or several values. See value_hash.h.
#include "base/error.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/functions/value_hash.h"
#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;

bool HoldsMap(const arrow::DataType& type) {
  if (type.id() == arrow::Type::MAP) return true;
  for (const auto& field : type.fields()) {
    if (HoldsMap(*field->type())) return true;
  }
  return false;
}

Status MapsHaveNoHash(std::string_view name, Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText(name, args));
  return AnalysisError(
             "DATATYPE_MISMATCH.HASH_MAP_TYPE", "42K09",
             "Cannot resolve {} due to data type mismatch: Input to the function "
             "`{}` cannot contain elements of the \"MAP\" type. In Spark, same maps "
             "may have different hashcode, thus hash expressions are prohibited on "
             "\"MAP\" elements. To restore previous behavior set "
             "\"spark.sql.legacy.allowHashOnMapType\" to \"true\".",
             sql, name)
      .Param("functionName", fmt::format("`{}`", name))
      .Param("sqlExpr", sql);
}

template <HashKind kKind, typename Out>
Result<BoundFunction> Bind(std::string_view name, Args args, data::TypePtr type) {
  for (const ExprPtr& arg : args) {
    if (HoldsMap(*arg->type())) return MapsHaveNoHash(name, args);
  }
  return MakeBound({args.begin(), args.end()}, std::move(type),
                   [](const KernelInput& in) -> Result<Value> {
                     const bool constant = AllConstant(in.args);
                     const int64_t rows = constant ? 1 : in.rows;
                     std::vector<int64_t> hashes(static_cast<size_t>(rows), kHashSeed);
                     for (const Value& arg : in.args) HashColumn(kKind, arg, hashes);
                     FixedOutput<Out> out;
                     MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
                     out.Generate(rows, [&](int64_t row) {
                       return static_cast<Out>(hashes[static_cast<size_t>(row)]);
                     });
                     return MakeValue(in.type, rows, constant, nullptr, out.Finish());
                   },
                   {.never_null = true});
}

const FunctionSpec kFunctions[] = {
    {"hash", 1, -1,
     [](Args args, const BindContext&) {
       return Bind<HashKind::kMurmur3, int32_t>("hash", args, data::IntType());
     },
     "Murmur3 of the values with seed 42, as Spark's own.",
     "hash('Spark', array(123), 2) → -1321691492"},
    {"xxhash64", 1, -1,
     [](Args args, const BindContext&) {
       return Bind<HashKind::kXxHash64, int64_t>("xxhash64", args, data::LongType());
     },
     "XXH64 of the values with seed 42, as Spark's own.",
     "xxhash64('Spark', array(123), 2) → 5602566077635097486"},
};

}  // namespace

std::span<const FunctionSpec> HashFunctions() { return kFunctions; }

}  // namespace millrace::expr
