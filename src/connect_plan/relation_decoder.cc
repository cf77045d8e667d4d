#include "connect_plan/relation_decoder.h"

#include <arrow/type.h>

#include "base/error.h"
#include "connect_plan/derived_relations.h"
#include "connect_plan/expression_decoder.h"
#include "connect_plan/query_decoder.h"
#include "connect_plan/type_codec.h"

// Older clients still fill in the fields that newer definitions call deprecated.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using plan::PlanPtr;
using plan::UnresolvedExpr;

constexpr int kMaxDepth = 1000;

// With the values of the parameters in the text.
sql::ParseOptions WithArguments(sql::ParseOptions options, const proto::SQL& sql) {
  for (const auto& [name, literal] : sql.args()) {
    *options.named_arguments[name].mutable_literal() = literal;
  }
  for (const auto& [name, value] : sql.named_arguments())
    options.named_arguments[name] = value;
  for (const auto& literal : sql.pos_args()) {
    *options.positional_arguments.emplace_back().mutable_literal() = literal;
  }
  for (const auto& value : sql.pos_arguments())
    options.positional_arguments.push_back(value);
  return options;
}

class Decoder {
 public:
  Decoder(const plan::PlanBuilder& builder, const Lookups& lookups)
      : builder_(builder), lookups_(lookups), sql_(SqlOptions(builder)) {}

  Result<PlanPtr> Decode(const proto::Relation& relation) {
    if (++depth_ > kMaxDepth) {
      return AnalysisError(
          "PLAN_TOO_DEEP", "54000",
          "The plan is more than {} operators deep. Build it in fewer steps.", kMaxDepth);
    }
    Result<PlanPtr> decoded = DecodeNode(relation);
    --depth_;
    if (!decoded.ok() || !relation.common().has_plan_id()) return decoded;
    auto known = std::make_shared<plan::LogicalPlan>(**decoded);
    known->client_ids.push_back(relation.common().plan_id());
    return PlanPtr(std::move(known));
  }

  Result<PlanPtr> Query(const sql::Query& query) {
    return DecodeQuery(
        query, builder_, sql_,
        [this](const std::vector<std::string>& parts) { return Table(parts); });
  }

 private:
  Result<PlanPtr> DecodeNode(const proto::Relation& relation) {
    switch (relation.rel_type_case()) {
      case proto::Relation::kRead:
        return Read(relation.read());
      case proto::Relation::kSql:
        return Sql(relation.sql());
      case proto::Relation::kWithRelations:
        return WithRelations(relation.with_relations());
      case proto::Relation::kLocalRelation:
        return DecodeLocal(relation.local_relation(), builder_);
      case proto::Relation::kCachedLocalRelation:
        return DecodeCachedLocal(relation.cached_local_relation(), builder_,
                                 lookups_.artifact);
      case proto::Relation::kChunkedCachedLocalRelation:
        return DecodeChunkedLocal(relation.chunked_cached_local_relation(), builder_,
                                  lookups_.artifact);
      case proto::Relation::kCachedRemoteRelation:
        return RemoteRelation(relation.cached_remote_relation().relation_id());
      case proto::Relation::kCatalog:
        return lookups_.catalog(relation);
      case proto::Relation::kRange: {
        const auto& range = relation.range();
        return builder_.Range(range.start(), range.end(), range.step());
      }
      case proto::Relation::kProject: {
        const auto& project = relation.project();
        if (!project.has_input()) {
          return UnsupportedError("A select without input is not supported yet.");
        }
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(project.input()));
        MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> expressions,
                                  Expressions(project.expressions()));
        return builder_.Project(std::move(input), expressions);
      }
      case proto::Relation::kFilter: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.filter().input()));
        MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr condition,
                                  DecodeExpression(relation.filter().condition(), sql_));
        return builder_.Filter(std::move(input), condition);
      }
      case proto::Relation::kWithColumns: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.with_columns().input()));
        std::vector<UnresolvedExpr> aliases;
        for (const auto& alias : relation.with_columns().aliases()) {
          MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr decoded, DecodeAlias(alias, sql_));
          aliases.push_back(std::move(decoded));
        }
        return builder_.WithColumns(std::move(input), aliases);
      }
      case proto::Relation::kWithColumnsRenamed: {
        const auto& node = relation.with_columns_renamed();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        std::vector<std::pair<std::string, std::string>> renames;
        for (const auto& rename : node.renames()) {
          renames.emplace_back(rename.col_name(), rename.new_col_name());
        }
        for (const auto& [from, to] : node.rename_columns_map())
          renames.emplace_back(from, to);
        return builder_.WithColumnsRenamed(std::move(input), renames);
      }
      case proto::Relation::kDrop:
        return Drop(relation.drop());
      case proto::Relation::kToDf: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.to_df().input()));
        const std::vector<std::string> names(relation.to_df().column_names().begin(),
                                             relation.to_df().column_names().end());
        return builder_.ToDf(std::move(input), names);
      }
      case proto::Relation::kSubqueryAlias: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input,
                                  Decode(relation.subquery_alias().input()));
        return builder_.Alias(std::move(input), relation.subquery_alias().alias());
      }
      case proto::Relation::kWithWatermark: {
        const auto& node = relation.with_watermark();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        return builder_.WithWatermark(std::move(input), node.event_time(),
                                      node.delay_threshold());
      }
      case proto::Relation::kAggregate:
        return Aggregate(relation.aggregate());
      case proto::Relation::kDeduplicate: {
        const auto& node = relation.deduplicate();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        const std::vector<std::string> names(node.column_names().begin(),
                                             node.column_names().end());
        return builder_.Deduplicate(std::move(input), names, node.within_watermark());
      }
      case proto::Relation::kJoin:
        return Join(relation.join());
      case proto::Relation::kSetOp:
        return SetOperation(relation.set_op());
      case proto::Relation::kLimit: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.limit().input()));
        return builder_.Limit(std::move(input), relation.limit().limit());
      }
      case proto::Relation::kTail: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.tail().input()));
        return builder_.Tail(std::move(input), relation.tail().limit());
      }
      case proto::Relation::kOffset: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.offset().input()));
        return builder_.Offset(std::move(input), relation.offset().offset());
      }
      case proto::Relation::kSort: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.sort().input()));
        std::vector<UnresolvedExpr> order;
        for (const auto& item : relation.sort().order()) {
          MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr decoded, DecodeSortOrder(item, sql_));
          order.push_back(std::move(decoded));
        }
        return builder_.Sort(std::move(input), order);
      }
      default:
        return Derived(relation);
    }
  }

  Result<std::vector<UnresolvedExpr>> Expressions(
      const google::protobuf::RepeatedPtrField<proto::Expression>& expressions) {
    std::vector<UnresolvedExpr> decoded;
    for (const proto::Expression& expression : expressions) {
      MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr one, DecodeExpression(expression, sql_));
      decoded.push_back(std::move(one));
    }
    return decoded;
  }

  Result<PlanPtr> Read(const proto::Read& read) {
    if (read.has_named_table()) {
      MILLRACE_ASSIGN_OR_RETURN(
          const std::vector<std::string> parts,
          plan::ParseAttributeName(read.named_table().unparsed_identifier()));
      MILLRACE_ASSIGN_OR_RETURN(PlanPtr table, Table(parts, read.is_streaming()));
      return builder_.Alias(std::move(table), parts.back());
    }
    const auto& source = read.data_source();
    const std::map<std::string, std::string> values(source.options().begin(),
                                                    source.options().end());
    std::vector<std::string> paths(source.paths().begin(), source.paths().end());
    const Options options(values);
    if (paths.empty()) {
      if (auto path = options.Get("path")) paths.push_back(*std::move(path));
    }
    return builder_.Read(
        source.has_format() && !source.format().empty() ? source.format() : "parquet",
        options, paths, source.schema(), read.is_streaming(), source.source_name());
  }

  // A view or table; or files, as parquet.`/path`.
  Result<PlanPtr> Table(const std::vector<std::string>& parts, bool streaming = false) {
    if (parts.size() == 1) {
      const auto reference = references_.find(parts[0]);
      if (reference != references_.end()) return reference->second;
    }
    if (PlanPtr view = lookups_.view(parts)) return view;
    if (parts.size() == 2 && builder_.HasFileFormat(parts[0])) {
      return builder_.Read(parts[0], Options(), {parts[1]}, "", /*streaming=*/false, "");
    }
    return builder_.Table(parts, streaming);
  }

  Result<PlanPtr> Sql(const proto::SQL& sql) {
    MILLRACE_ASSIGN_OR_RETURN(const sql::Statement statement, ParseSql(sql, builder_));
    if (const auto* query = std::get_if<sql::QueryPtr>(&statement)) return Query(**query);
    return UnsupportedError("A command as the input of a query is not supported: {}",
                            sql.query());
  }

  // A query with the tables that its text names: spark.sql("… {df}", df=df).
  Result<PlanPtr> WithRelations(const proto::WithRelations& node) {
    for (const proto::Relation& reference : node.references()) {
      if (!reference.has_subquery_alias()) {
        return UnsupportedError("A subquery inside an expression is not supported yet.");
      }
      MILLRACE_ASSIGN_OR_RETURN(PlanPtr plan, Decode(reference.subquery_alias().input()));
      references_[reference.subquery_alias().alias()] = std::move(plan);
    }
    return Decode(node.root());
  }

  Result<PlanPtr> RemoteRelation(const std::string& id) {
    if (PlanPtr plan = lookups_.remote_relation(id)) return plan;
    return Error(Fault::kUser,
                 "The Spark Connect plan is invalid. No DataFrame with id {} is found in "
                 "the "
                 "session.",
                 id)
        .Class("CONNECT_INVALID_PLAN.DATAFRAME_NOT_FOUND", "56K00")
        .Java("org.apache.spark.sql.connect.common.InvalidPlanInput")
        .Param("dfId", id);
  }

  // Relations that other relations make; nothing where this is none.
  Result<PlanPtr> Derived(const proto::Relation& relation) {
    switch (relation.rel_type_case()) {
      case proto::Relation::kDropNa: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.drop_na().input()));
        return DropNa(builder_, std::move(input), relation.drop_na());
      }
      case proto::Relation::kFillNa: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.fill_na().input()));
        return FillNa(builder_, std::move(input), relation.fill_na());
      }
      case proto::Relation::kReplace: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.replace().input()));
        return ReplaceValues(builder_, std::move(input), relation.replace());
      }
      case proto::Relation::kToSchema: {
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(relation.to_schema().input()));
        MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type,
                                  DecodeType(relation.to_schema().schema()));
        return ToSchema(builder_, std::move(input), arrow::schema(type->fields()));
      }
      case proto::Relation::kDescribe: {
        const auto& node = relation.describe();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        return Summary(builder_, std::move(input),
                       {node.cols().begin(), node.cols().end()},
                       {"count", "mean", "stddev", "min", "max"});
      }
      case proto::Relation::kSummary: {
        const auto& node = relation.summary();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        std::vector<std::string> wanted(node.statistics().begin(),
                                        node.statistics().end());
        if (wanted.empty())
          wanted = {"count", "mean", "stddev", "min", "25%", "50%", "75%", "max"};
        return Summary(builder_, std::move(input), {}, wanted);
      }
      case proto::Relation::kCov: {
        const auto& node = relation.cov();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        return PairStatistic(builder_, std::move(input), "covar_samp", node.col1(),
                             node.col2(), "cov");
      }
      case proto::Relation::kCorr: {
        const auto& node = relation.corr();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        return PairStatistic(builder_, std::move(input), "corr", node.col1(), node.col2(),
                             "corr");
      }
      case proto::Relation::kApproxQuantile: {
        const auto& node = relation.approx_quantile();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        return Quantiles(builder_, std::move(input), node);
      }
      case proto::Relation::kUnpivot: {
        const auto& node = relation.unpivot();
        MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
        MILLRACE_ASSIGN_OR_RETURN(const std::vector<UnresolvedExpr> ids,
                                  Expressions(node.ids()));
        MILLRACE_ASSIGN_OR_RETURN(const std::vector<UnresolvedExpr> values,
                                  Expressions(node.values().values()));
        return Unpivot(builder_, std::move(input), node, ids, values);
      }
      case proto::Relation::kUnresolvedTableValuedFunction:
        return TableFunction(relation.unresolved_table_valued_function());
      // How rows are spread over machines, and what to tell Spark's optimiser, is nothing
      // here.
      case proto::Relation::kRepartition:
        return Decode(relation.repartition().input());
      case proto::Relation::kRepartitionByExpression:
        return Decode(relation.repartition_by_expression().input());
      case proto::Relation::kHint:
        return Decode(relation.hint().input());
      default: {
        const auto* field = proto::Relation::descriptor()->FindFieldByNumber(
            static_cast<int>(relation.rel_type_case()));
        return UnsupportedError("A relation of kind {} is not supported yet.",
                                field == nullptr ? "unknown" : field->name());
      }
    }
  }

  // A generator over one row; range.
  Result<PlanPtr> TableFunction(const proto::UnresolvedTableValuedFunction& function) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> arguments,
                              Expressions(function.arguments()));
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr row, builder_.OneRow());
    const UnresolvedExpr call =
        UnresolvedExpr::Call(function.function_name(), std::move(arguments));
    return builder_.Project(std::move(row), {&call, 1});
  }

  Result<PlanPtr> Drop(const proto::Drop& drop) {
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(drop.input()));
    MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> columns,
                              Expressions(drop.columns()));
    for (const std::string& name : drop.column_names()) {
      columns.push_back(UnresolvedExpr::Attribute({name}));
    }
    return builder_.Drop(std::move(input), columns);
  }

  Result<PlanPtr> Aggregate(const proto::Aggregate& node) {
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr input, Decode(node.input()));
    MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> grouping,
                              Expressions(node.grouping_expressions()));
    MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> aggregates,
                              Expressions(node.aggregate_expressions()));
    switch (node.group_type()) {
      case proto::Aggregate::GROUP_TYPE_ROLLUP:
      case proto::Aggregate::GROUP_TYPE_CUBE:
      case proto::Aggregate::GROUP_TYPE_GROUPING_SETS: {
        MILLRACE_ASSIGN_OR_RETURN(std::vector<uint64_t> left_out,
                                  LeftOut(node, grouping));
        return builder_.GroupingSets(std::move(input), grouping, std::move(left_out),
                                     aggregates);
      }
      case proto::Aggregate::GROUP_TYPE_PIVOT: {
        if (node.pivot().values().empty()) {
          return UnsupportedError(
              "A pivot without its values is not supported yet: list them, "
              "pivot(column, values).");
        }
        MILLRACE_ASSIGN_OR_RETURN(const UnresolvedExpr column,
                                  DecodeExpression(node.pivot().col(), sql_));
        std::vector<UnresolvedExpr> values;
        for (const auto& literal : node.pivot().values()) {
          proto::Expression value;
          *value.mutable_literal() = literal;
          MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr decoded,
                                    DecodeExpression(value, sql_));
          values.push_back(std::move(decoded));
        }
        return builder_.Pivot(std::move(input), grouping, column, values, aggregates);
      }
      default:
        return builder_.Aggregate(std::move(input), grouping, aggregates);
    }
  }

  // Per grouping set, the keys it leaves out: see PlanBuilder::GroupingSets.
  Result<std::vector<uint64_t>> LeftOut(const proto::Aggregate& node,
                                        const std::vector<UnresolvedExpr>& keys) {
    const size_t count = keys.size();
    const size_t most = node.group_type() == proto::Aggregate::GROUP_TYPE_CUBE ? 12 : 63;
    if (count > most) {
      return UnsupportedError("Grouping sets of more than {} keys are not supported yet.",
                              most);
    }
    std::vector<uint64_t> left_out;
    if (node.group_type() == proto::Aggregate::GROUP_TYPE_ROLLUP) {
      for (size_t kept = count + 1; kept-- > 0;) {
        left_out.push_back((uint64_t{1} << (count - kept)) - 1);
      }
    } else if (node.group_type() == proto::Aggregate::GROUP_TYPE_CUBE) {
      for (uint64_t set = 0; set < (uint64_t{1} << count); ++set) left_out.push_back(set);
    } else {
      for (const auto& set : node.grouping_sets()) {
        uint64_t out = (uint64_t{1} << count) - 1;
        for (const proto::Expression& member : set.grouping_set()) {
          MILLRACE_ASSIGN_OR_RETURN(const UnresolvedExpr decoded,
                                    DecodeExpression(member, sql_));
          for (size_t i = 0; i < count; ++i) {
            if (plan::PrettySql(keys[i]) == plan::PrettySql(decoded)) {
              out &= ~(uint64_t{1} << (count - 1 - i));
            }
          }
        }
        left_out.push_back(out);
      }
    }
    return left_out;
  }

  Result<PlanPtr> Join(const proto::Join& node) {
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr left, Decode(node.left()));
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr right, Decode(node.right()));
    plan::JoinCriteria criteria;
    if (node.has_join_condition()) {
      MILLRACE_ASSIGN_OR_RETURN(criteria.condition,
                                DecodeExpression(node.join_condition(), sql_));
    }
    criteria.using_columns.assign(node.using_columns().begin(),
                                  node.using_columns().end());
    plan::JoinType type = plan::JoinType::kInner;
    switch (node.join_type()) {
      case proto::Join::JOIN_TYPE_FULL_OUTER:
        type = plan::JoinType::kFullOuter;
        break;
      case proto::Join::JOIN_TYPE_LEFT_OUTER:
        type = plan::JoinType::kLeftOuter;
        break;
      case proto::Join::JOIN_TYPE_RIGHT_OUTER:
        type = plan::JoinType::kRightOuter;
        break;
      case proto::Join::JOIN_TYPE_LEFT_ANTI:
        type = plan::JoinType::kLeftAnti;
        break;
      case proto::Join::JOIN_TYPE_LEFT_SEMI:
        type = plan::JoinType::kLeftSemi;
        break;
      case proto::Join::JOIN_TYPE_INNER:
      case proto::Join::JOIN_TYPE_CROSS:
        break;
      default:
        return AnalysisError(
            "UNSUPPORTED_JOIN_TYPE", "0A000",
            "Unsupported join type. Supported join types include: 'INNER', "
            "'OUTER', 'FULL', 'FULLOUTER', 'LEFT', 'LEFTOUTER', 'RIGHT', "
            "'RIGHTOUTER', 'LEFTSEMI', 'SEMI', 'LEFTANTI', 'ANTI', 'CROSS'.");
    }
    return builder_.Join(std::move(left), std::move(right), type, criteria);
  }

  Result<PlanPtr> SetOperation(const proto::SetOperation& node) {
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr left, Decode(node.left_input()));
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr right, Decode(node.right_input()));
    if (node.set_op_type() == proto::SetOperation::SET_OP_TYPE_UNION) {
      MILLRACE_ASSIGN_OR_RETURN(
          PlanPtr all, builder_.Union(std::move(left), std::move(right), node.by_name(),
                                      node.allow_missing_columns()));
      if (node.is_all()) return all;
      return builder_.Deduplicate(std::move(all), {}, false);
    }
    const bool intersects =
        node.set_op_type() == proto::SetOperation::SET_OP_TYPE_INTERSECT;
    if (node.is_all()) {
      return builder_.MultisetOperation(std::move(left), std::move(right), intersects);
    }
    return intersects ? IntersectDistinct(builder_, std::move(left), std::move(right))
                      : ExceptDistinct(builder_, std::move(left), std::move(right));
  }

  const plan::PlanBuilder& builder_;
  const Lookups& lookups_;
  const sql::ParseOptions sql_;
  std::map<std::string, PlanPtr> references_;  // of WithRelations, by alias
  int depth_ = 0;
};

}  // namespace

sql::ParseOptions SqlOptions(const plan::PlanBuilder& builder) {
  sql::ParseOptions options;
  // The setting was checked when it was set.
  if (auto zone = data::TimeZone::Find(builder.conf().time_zone()); zone.ok()) {
    options.zone = *zone;
  }
  options.now_micros =
      std::chrono::microseconds(builder.clock().Now().time_since_epoch()).count();
  return options;
}

Result<sql::Statement> ParseSql(const proto::SQL& sql, const plan::PlanBuilder& builder) {
  return sql::ParseStatement(sql.query(), WithArguments(SqlOptions(builder), sql));
}

Result<PlanPtr> DecodeSqlQuery(const sql::Query& query, const plan::PlanBuilder& builder,
                               const Lookups& lookups) {
  return Decoder(builder, lookups).Query(query);
}

Result<PlanPtr> DecodeRelation(const proto::Relation& relation,
                               const plan::PlanBuilder& builder, const Lookups& lookups) {
  return Decoder(builder, lookups).Decode(relation);
}

}  // namespace millrace::connect_plan
