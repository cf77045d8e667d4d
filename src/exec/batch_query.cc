#include "exec/batch_query.h"

#include <thread>

#include "exec/pipeline.h"
#include "exec/scan_lanes.h"

namespace millrace::exec {
namespace {

class ToFunction final : public Emitter {
 public:
  explicit ToFunction(const std::function<Status(const data::Batch&)>& emit)
      : emit_(emit) {}
  Status Emit(Batch batch) override { return emit_(batch); }

 private:
  const std::function<Status(const data::Batch&)>& emit_;
};

Status PushScan(Pipeline& pipeline, size_t index, const Epoch& epoch,
                const BatchQueryOptions& options, std::stop_token stop) {
  const plan::LogicalPlan& scan = *pipeline.scans()[index];
  const auto& node = std::get<plan::Scan>(scan.node);
  connector::SourceContext context;
  context.fs = options.fs;
  context.clock = options.clock;
  context.session_time_zone = options.session_time_zone;
  context.required_columns.emplace();
  for (const plan::Attribute& attribute : scan.output) {
    context.required_columns->push_back(attribute.name);
  }
  MILLRACE_ASSIGN_OR_RETURN(
      std::vector<std::unique_ptr<connector::Split>> splits,
      node.provider->PlanBatch(node.options, node.paths, node.schema, context, stop));
  ScanLanes lanes(&pipeline, index, std::thread::hardware_concurrency());
  return lanes.Read(epoch, std::move(splits), true, stop, [&](const ScannedRows& rows) {
    return pipeline.PushFromChain(index, rows.batches, 0);
  });
}

}  // namespace

Status RunBatchQuery(const plan::PlanPtr& plan, const BatchQueryOptions& options,
                     const std::function<Status(const data::Batch&)>& emit,
                     std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Pipeline> pipeline,
                            Pipeline::Make(plan, PipelineOptions()));
  Epoch epoch;
  epoch.eval.now_micros = options.clock->Now().time_since_epoch().count() * 1000;
  MILLRACE_ASSIGN_OR_RETURN(epoch.eval.zone,
                            data::TimeZone::Find(options.session_time_zone));
  ToFunction out(emit);
  MILLRACE_RETURN_IF_ERROR(pipeline->BeginEpoch(epoch, &out));
  for (const size_t scan : pipeline->read_order()) {
    MILLRACE_RETURN_IF_ERROR(PushScan(*pipeline, scan, epoch, options, stop));
    MILLRACE_RETURN_IF_ERROR(pipeline->EndScan(scan));
  }
  MILLRACE_RETURN_IF_ERROR(pipeline->EndEpoch());
  return pipeline->TakeAccount().status();
}

}  // namespace millrace::exec
