"""Requests that no client would send: the server refuses them, and goes on."""

import concurrent.futures
import json
import pathlib
import random
import uuid

import grpc
import pyspark.sql.connect.proto as pb2
from conftest import SANITIZED, running_server
from google.protobuf import json_format

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SERVICE = "/spark.connect.SparkConnectService/"
CASES = 3_000
MIB = 1024


def seeds():
    """Serialised requests with the plans of the golden cases, and commands on them."""
    plans = json.loads((GOLDEN / "plans.json").read_text())
    relations = [
        json_format.ParseDict(case["plan"], pb2.Relation())
        for _, case in sorted(plans.items())
        if "plan" in case
    ]
    requests = []
    for relation in relations:
        analyze = pb2.AnalyzePlanRequest(session_id=str(uuid.UUID(int=1)))
        analyze.schema.plan.root.CopyFrom(relation)
        requests.append(("AnalyzePlan", analyze))
        execute = pb2.ExecutePlanRequest(session_id=str(uuid.UUID(int=1)))
        execute.plan.root.CopyFrom(relation)
        requests.append(("ExecutePlan", execute))
    return [(method, request.SerializeToString()) for method, request in requests]


def mutate(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + chance.choice([1, 2, 8])]
            case 3:
                data[at:at] = chance.randbytes(chance.choice([1, 2, 8]))
            case 4:
                start = chance.randrange(len(data))
                data[at:at] = data[start : start + chance.choice([4, 32, 256])]
        if not data:
            break
    # The session stays one that is known, so that the plan is read and not the handle refused.
    return bytes(data)


def call(channel, method, data):
    """The code of the answer, or None where the request was good."""
    same = lambda value: value  # noqa: E731
    try:
        if method == "AnalyzePlan":
            channel.unary_unary(SERVICE + method, same, same)(data, timeout=30)
        else:
            list(channel.unary_stream(SERVICE + method, same, same)(data, timeout=30))
    except grpc.RpcError as failure:
        return failure.code()
    return None


def nested(depth):
    """A plan of that many filters, written from the inside out."""
    relation = pb2.Relation()
    relation.range.end = 1
    relation.range.step = 1
    data = relation.SerializeToString()
    for _ in range(depth):
        outer = pb2.Relation()
        outer.limit.limit = 1
        outer.limit.input.SetInParent()
        body = length_prefixed(0x0A, data) + b"\x10\x01"
        data = length_prefixed(0x42, body)
    return data


def length_prefixed(tag, data):
    size, varint = len(data), bytearray()
    while size >= 0x80:
        varint.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([tag, *varint, size]) + data


def test_mutated_plans(tmp_path):
    chance = random.Random(20261122)
    originals = seeds()
    assert len(originals) >= 80
    with running_server(cwd=tmp_path) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            requests = [
                (method, mutate(data, chance))
                for method, data in chance.choices(originals, k=CASES)
            ]
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                codes = list(pool.map(lambda one: call(channel, *one), requests))
            assert server.alive(), server.output()
            # Each was answered, and in time.
            assert set(codes) <= {
                None, grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT,
            }  # fmt: skip
            assert codes.count(grpc.StatusCode.INTERNAL) > CASES / 4
            # Of random bytes as well.
            for _ in range(200):
                call(channel, "ExecutePlan", chance.randbytes(chance.randrange(1, 300)))
            good = pb2.AnalyzePlanRequest(session_id=str(uuid.uuid4()))
            good.spark_version.SetInParent()
            assert call(channel, "AnalyzePlan", good.SerializeToString()) is None
        assert server.status("VmRSS") < (400 if not SANITIZED else 2000) * MIB
        assert server.stop() == 0, server.output()


def test_plans_of_any_depth(tmp_path):
    with running_server(cwd=tmp_path) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            for depth, good in [(10, True), (300, True), (600, False), (20_000, False)]:
                plan = length_prefixed(0x0A, nested(depth))  # Plan.root
                request = pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()))
                data = request.SerializeToString() + length_prefixed(0x1A, plan)
                assert (call(channel, "ExecutePlan", data) is None) == good, depth
        assert server.stop() == 0, server.output()
