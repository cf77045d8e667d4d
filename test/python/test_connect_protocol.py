"""What goes over the wire: order of replies, reattaching, releasing, sessions, uploads."""

import json
import threading
import uuid
import zlib

import grpc
import pyarrow
import pyspark.sql.connect.proto as pb2
import pytest
import zstandard
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from pyspark.sql.connect.proto import base_pb2_grpc

Status = pb2.GetStatusResponse.OperationStatus


class Client:
    """Speaks the protocol without PySpark's client."""

    def __init__(self, server, session_id=None):
        self.session_id = session_id or str(uuid.uuid4())
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{server.port}", options=[("grpc.max_receive_message_length", 1 << 28)]
        )
        self.stub = base_pb2_grpc.SparkConnectServiceStub(self.channel)

    def request(self, kind, **fields):
        return kind(session_id=self.session_id, **fields)

    def execute(self, plan, operation_id=None, tags=(), reattachable=True):
        request = self.request(
            pb2.ExecutePlanRequest,
            plan=plan,
            operation_id=operation_id or str(uuid.uuid4()),
            tags=tags,
        )
        request.request_options.add().reattach_options.reattachable = reattachable
        return self.stub.ExecutePlan(request)

    def reattach(self, operation_id, last=None):
        return self.stub.ReattachExecute(
            self.request(
                pb2.ReattachExecuteRequest, operation_id=operation_id, last_response_id=last
            )
        )

    def release(self, operation_id, until=None):
        request = self.request(pb2.ReleaseExecuteRequest, operation_id=operation_id)
        if until:
            request.release_until.response_id = until
        else:
            request.release_all.SetInParent()
        return self.stub.ReleaseExecute(request)

    def states(self, *ids):
        request = self.request(pb2.GetStatusRequest)
        request.operation_status.operation_ids.extend(ids)
        reply = self.stub.GetStatus(request)
        return {one.operation_id: one.state for one in reply.operation_statuses}


def range_plan(end):
    plan = pb2.Plan()
    plan.root.range.end = end
    plan.root.range.step = 1
    return plan


def endless_plan():
    """awaitAnyTermination in a session without queries: waits until somebody interrupts it."""
    plan = pb2.Plan()
    plan.command.streaming_query_manager_command.await_any_termination.SetInParent()
    return plan


def error_of(call):
    """The ErrorInfo of a failing call, and its message."""
    with pytest.raises(grpc.RpcError) as failed:
        list(call()) if call is not None else None
    assert failed.value.code() == grpc.StatusCode.INTERNAL, failed.value
    info = error_details_pb2.ErrorInfo()
    rpc_status.from_call(failed.value).details[0].Unpack(info)
    return info, failed.value.details()


@pytest.fixture
def client(server):
    one = Client(server)
    yield one
    one.stub.ReleaseSession(one.request(pb2.ReleaseSessionRequest))
    one.channel.close()


def test_replies_come_in_sparks_order(client):
    replies = list(client.execute(range_plan(25_000)))
    kinds = [
        "schema" if one.HasField("schema") else
        "metrics" if one.HasField("metrics") else
        one.WhichOneof("response_type")
        for one in replies
    ]  # fmt: skip
    assert kinds == ["schema", *["arrow_batch"] * 3, "metrics", "result_complete"]
    batches = [one.arrow_batch for one in replies if one.HasField("arrow_batch")]
    assert [(one.start_offset, one.row_count) for one in batches] == [
        (0, 10_000), (10_000, 10_000), (20_000, 5_000),
    ]  # fmt: skip
    assert len({one.response_id for one in replies}) == len(replies)
    assert {one.session_id for one in replies} == {client.session_id}
    assert len({one.server_side_session_id for one in replies}) == 1
    empty = list(client.execute(range_plan(0)))
    assert [one.arrow_batch.row_count for one in empty if one.HasField("arrow_batch")] == [0]


def test_times_on_the_wire_name_the_zone_of_the_session(client):
    request = client.request(pb2.ConfigRequest)
    request.operation.set.pairs.add(key="spark.sql.session.timeZone", value="America/New_York")
    client.stub.Config(request)
    times = pyarrow.array([0, None], pyarrow.timestamp("us", "UTC"))
    table = pyarrow.table({"t": times, "a": pyarrow.array([[0], []], pyarrow.list_(times.type))})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    plan = pb2.Plan()
    plan.root.local_relation.data = sink.getvalue().to_pybytes()
    (data,) = [
        one.arrow_batch.data for one in client.execute(plan) if one.HasField("arrow_batch")
    ]
    back = pyarrow.ipc.open_stream(data).read_all()
    zone = pyarrow.timestamp("us", "America/New_York")
    assert back.schema.types == [zone, pyarrow.list_(pyarrow.field("element", zone))]
    assert back.cast(table.schema).equals(table)


def test_a_broken_stream_is_read_on_where_it_stopped(client):
    operation = str(uuid.uuid4())
    first = client.execute(range_plan(45_000), operation)
    seen = [next(first) for _ in range(3)]
    first.cancel()
    rest = list(client.reattach(operation, seen[-1].response_id))
    rows = [
        (one.arrow_batch.start_offset, one.arrow_batch.row_count)
        for one in seen + rest
        if one.HasField("arrow_batch")
    ]
    assert rows == [(i * 10_000, 10_000) for i in range(4)] + [(40_000, 5_000)]
    assert rest[-1].HasField("result_complete")
    # Nothing was released: the whole can be read again.
    assert len(list(client.reattach(operation))) == len(seen) + len(rest)
    client.release(operation, until=rest[0].response_id)
    info, _ = error_of(lambda: client.reattach(operation, seen[-1].response_id))
    assert json.loads(info.metadata["classes"])[0] == "org.apache.spark.SparkSQLException"
    assert info.metadata["errorClass"] == "INVALID_CURSOR.POSITION_NOT_FOUND"
    assert list(client.reattach(operation, rest[0].response_id)) == rest[1:]
    client.release(operation)
    info, message = error_of(lambda: client.reattach(operation))
    assert message == (
        f"[INVALID_HANDLE.OPERATION_NOT_FOUND] The handle {operation} is invalid. "
        "Operation not found. SQLSTATE: HY000"
    )


def test_only_reattachable_operations_can_be_reattached(client):
    operation = str(uuid.uuid4())
    assert len(list(client.execute(range_plan(1), operation, reattachable=False))) == 4
    info, _ = error_of(lambda: client.reattach(operation))
    assert info.metadata["errorClass"] == "INVALID_HANDLE.OPERATION_NOT_FOUND"


def interrupted(client, **how):
    request = client.request(pb2.InterruptRequest, **how)
    return list(client.stub.Interrupt(request).interrupted_ids)


def test_interrupts(client):
    begin = client.request(pb2.ConfigRequest)  # the session is there before it is asked about
    begin.operation.get_all.SetInParent()
    client.stub.Config(begin)
    operations = {tag: str(uuid.uuid4()) for tag in ("a", "b", "c")}
    calls = {
        tag: client.execute(endless_plan(), operation, [tag])
        for tag, operation in operations.items()
    }
    threads = {}
    outcomes = {}

    def wait(tag):
        outcomes[tag] = error_of(lambda: calls[tag])[1]

    for tag in calls:
        threads[tag] = threading.Thread(target=wait, args=[tag])
        threads[tag].start()
    while list(client.states().values()) != [Status.OPERATION_STATE_RUNNING] * 3:
        pass
    assert interrupted(
        client, interrupt_type=pb2.InterruptRequest.INTERRUPT_TYPE_TAG, operation_tag="a"
    ) == [operations["a"]]
    threads["a"].join(60)
    assert interrupted(
        client,
        interrupt_type=pb2.InterruptRequest.INTERRUPT_TYPE_OPERATION_ID,
        operation_id=operations["b"],
    ) == [operations["b"]]
    threads["b"].join(60)
    assert interrupted(
        client, interrupt_type=pb2.InterruptRequest.INTERRUPT_TYPE_ALL
    ) == [operations["c"]]
    threads["c"].join(60)
    assert set(outcomes.values()) == {
        "[OPERATION_CANCELED] Operation has been canceled. SQLSTATE: HY008"
    }


def test_states_of_operations(client):
    done, failed, unknown = (str(uuid.uuid4()) for _ in range(3))
    list(client.execute(range_plan(1), done))
    assert client.states(done) == {done: Status.OPERATION_STATE_TERMINATING}
    client.release(done)
    bad = pb2.Plan()
    bad.root.read.named_table.unparsed_identifier = "nothing"
    error_of(lambda: client.execute(bad, failed))
    client.release(failed)
    assert client.states(done, failed, unknown) == {
        done: Status.OPERATION_STATE_SUCCEEDED,
        failed: Status.OPERATION_STATE_FAILED,
        unknown: Status.OPERATION_STATE_UNKNOWN,
    }
    assert set(client.states()) == {done, failed}
    assert not client.stub.GetStatus(client.request(pb2.GetStatusRequest)).operation_statuses


def test_handles(server, client):
    version = pb2.AnalyzePlanRequest.SparkVersion()
    ask = lambda **how: client.stub.AnalyzePlan(  # noqa: E731
        pb2.AnalyzePlanRequest(**{"session_id": client.session_id, **how}, spark_version=version)
    )
    info, message = error_of(lambda: [ask(session_id="not-a-uuid")])
    assert message == (
        "[INVALID_HANDLE.FORMAT] The handle not-a-uuid is invalid. Handle must be an UUID string "
        "of the format '00112233-4455-6677-8899-aabbccddeeff' SQLSTATE: HY000"
    )
    first = ask()
    assert first.spark_version.version == "4.2.0"
    assert first.server_side_session_id != first.session_id
    assert ask(
        client_observed_server_side_session_id=first.server_side_session_id
    ).server_side_session_id == first.server_side_session_id
    info, _ = error_of(lambda: [ask(client_observed_server_side_session_id=str(uuid.uuid4()))])
    assert info.metadata["errorClass"] == "INVALID_HANDLE.SESSION_CHANGED"
    stranger = Client(server)
    info, _ = error_of(lambda: [stranger.states("x")])
    assert info.metadata["errorClass"] == "INVALID_HANDLE.SESSION_NOT_FOUND"
    # The same id of another user is another session.
    other = ask(user_context=pb2.UserContext(user_id="someone"))
    assert other.server_side_session_id != first.server_side_session_id
    client.stub.ReleaseSession(client.request(pb2.ReleaseSessionRequest))
    info, _ = error_of(lambda: [ask()])
    assert info.metadata["errorClass"] == "INVALID_HANDLE.SESSION_CLOSED"


def test_clones(server, client):
    def set_conf(one, value):
        request = one.request(pb2.ConfigRequest)
        request.operation.set.pairs.add(key="spark.my.key", value=value)
        one.stub.Config(request)

    def get_conf(one):
        request = one.request(pb2.ConfigRequest)
        request.operation.get.keys.append("spark.my.key")
        return one.stub.Config(request).pairs[0].value

    set_conf(client, "1")
    reply = client.stub.CloneSession(client.request(pb2.CloneSessionRequest))
    assert reply.new_server_side_session_id != reply.server_side_session_id
    clone = Client(server, reply.new_session_id)
    assert get_conf(clone) == "1"
    set_conf(clone, "2")
    assert (get_conf(client), get_conf(clone)) == ("1", "2")
    for target, reason in [
        (clone.session_id, "TARGET_SESSION_ID_ALREADY_EXISTS"), ("abc", "TARGET_SESSION_ID_FORMAT"),
    ]:  # fmt: skip
        info, _ = error_of(
            lambda: [
                client.stub.CloneSession(
                    client.request(pb2.CloneSessionRequest, new_session_id=target)
                )
            ]
        )
        assert info.metadata["errorClass"] == f"INVALID_CLONE_SESSION_REQUEST.{reason}"
        assert info.metadata["sqlState"] == "42K04"


def chunk(data, crc=None):
    return pb2.AddArtifactsRequest.ArtifactChunk(
        data=data, crc=zlib.crc32(data) if crc is None else crc
    )


def test_artifacts(client):
    def status(*names):
        reply = client.stub.ArtifactStatus(
            client.request(pb2.ArtifactStatusesRequest, names=names)
        )
        return {name: one.exists for name, one in reply.statuses.items()}

    def add(*payloads):
        requests = [client.request(pb2.AddArtifactsRequest, **one) for one in payloads]
        return client.stub.AddArtifacts(iter(requests))

    single = pb2.AddArtifactsRequest.SingleChunkArtifact
    begin = pb2.AddArtifactsRequest.BeginChunkedArtifact
    assert status("cache/a") == {"cache/a": False}
    reply = add(
        {"batch": pb2.AddArtifactsRequest.Batch(
            artifacts=[single(name="cache/a", data=chunk(b"one")),
                       single(name="cache/bad", data=chunk(b"two", crc=1))])},
        {"begin_chunk": begin(name="cache/b", total_bytes=6, num_chunks=2,
                              initial_chunk=chunk(b"abc"))},
        {"chunk": chunk(b"def")},
    )  # fmt: skip
    assert [(one.name, one.is_crc_successful) for one in reply.artifacts] == [
        ("cache/a", True), ("cache/bad", False), ("cache/b", True),
    ]  # fmt: skip
    assert status("cache/a", "cache/b", "cache/bad") == {
        "cache/a": True, "cache/b": True, "cache/bad": False,
    }  # fmt: skip
    for payloads in [
        [{"chunk": chunk(b"x")}],
        [{"begin_chunk": begin(name="cache/c", total_bytes=9, num_chunks=2,
                               initial_chunk=chunk(b"abc"))}],
        [{"begin_chunk": begin(name="cache/c", total_bytes=1 << 50, num_chunks=2,
                               initial_chunk=chunk(b"abc"))}],
        [{"batch": pb2.AddArtifactsRequest.Batch(
            artifacts=[single(name="pyfiles/x.py", data=chunk(b"import os"))])}],
    ]:  # fmt: skip
        error_of(lambda: [add(*payloads)])
    missing = pb2.Plan()
    missing.root.cached_local_relation.hash = "0" * 64
    info, _ = error_of(lambda: client.execute(missing))
    assert (
        info.metadata["errorClass"] == "CONNECT_INVALID_PLAN.NOT_FOUND_CACHED_LOCAL_RELATION"
    )


def compressed(relation, data=None, codec=pb2.COMPRESSION_CODEC_ZSTD):
    plan = pb2.Plan()
    plan.compressed_operation.data = data or zstandard.compress(relation.SerializeToString())
    plan.compressed_operation.op_type = pb2.Plan.CompressedOperation.OP_TYPE_RELATION
    plan.compressed_operation.compression_codec = codec
    return plan


def test_compressed_plans(client):
    relation = range_plan(5).root
    assert [
        one.arrow_batch.row_count
        for one in client.execute(compressed(relation))
        if one.HasField("arrow_batch")
    ] == [5]
    for plan in [
        compressed(relation, b"garbage"),
        compressed(relation, zstandard.compress(b"\xff\xff")),
        compressed(relation, zstandard.compress(relation.SerializeToString())[:-3]),
        compressed(relation, codec=0),
    ]:
        info, _ = error_of(lambda: client.execute(plan))
        assert info.metadata["errorClass"] == "CONNECT_INVALID_PLAN.CANNOT_PARSE"
    bomb = zstandard.compress(bytes(600 << 20))
    assert len(bomb) < 1 << 20
    info, _ = error_of(lambda: client.execute(compressed(relation, bomb)))
    assert info.metadata["errorClass"] == "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX"


def test_details_of_errors_can_be_fetched(client):
    bad = pb2.Plan()
    bad.root.read.named_table.unparsed_identifier = "nothing"
    info, message = error_of(lambda: client.execute(bad))
    details = client.stub.FetchErrorDetails(
        client.request(pb2.FetchErrorDetailsRequest, error_id=info.metadata["errorId"])
    )
    assert details.root_error_idx == 0
    (error,) = details.errors
    assert error.message == message
    assert error.error_type_hierarchy[0] == info.reason == "org.apache.spark.sql.AnalysisException"
    assert error.spark_throwable.error_class == "TABLE_OR_VIEW_NOT_FOUND"
    assert error.spark_throwable.message_parameters["relationName"] == "`nothing`"
    assert not error.stack_trace
    nothing = client.stub.FetchErrorDetails(
        client.request(pb2.FetchErrorDetailsRequest, error_id=str(uuid.uuid4()))
    )
    assert not nothing.errors
