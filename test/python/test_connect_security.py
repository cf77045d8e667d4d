"""Who may connect, and what a server keeps to itself."""

import os
import subprocess

import grpc
import pyspark.sql.connect.proto as pb2
import pytest
from conftest import running_server
from pyspark.sql.connect.proto import base_pb2_grpc

TOKEN = "correct-horse-battery-staple"
SESSION = "00112233-4455-6677-8899-aabbccddeeff"


def refused(*arguments):
    """What a server says that does not start."""
    program = os.path.join(os.environ["MILLRACE_BUILD_DIR"], "millrace")
    done = subprocess.run(
        [program, "serve", "--port", "0", *map(str, arguments)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done
    return done.stderr


def ask_version(server, metadata=()):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = base_pb2_grpc.SparkConnectServiceStub(channel)
        request = pb2.AnalyzePlanRequest(
            session_id=SESSION, spark_version=pb2.AnalyzePlanRequest.SparkVersion()
        )
        return stub.AnalyzePlan(request, metadata=metadata).spark_version.version


@pytest.fixture
def token_file(tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    return file


@pytest.fixture
def certificate(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def test_other_addresses_need_a_token_or_tls(token_file):
    for host in ["0.0.0.0", "::", "192.0.2.1"]:
        assert "Refusing to listen on" in refused("--host", host)
    with running_server("--host", "0.0.0.0", "--token-file", token_file) as server:
        assert ask_version(server, [("authorization", f"Bearer {TOKEN}")]) == "4.2.0"


def test_bad_files_are_refused(tmp_path, token_file):
    assert "Cannot read the file" in refused("--token-file", tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    assert "is empty" in refused("--token-file", tmp_path / "empty")
    assert "only one of them" in refused("--tls-cert", token_file)
    assert "no PEM pair" in refused("--tls-cert", token_file, "--tls-key", token_file)


def test_a_port_has_one_server():
    with running_server() as server:
        program = os.path.join(os.environ["MILLRACE_BUILD_DIR"], "millrace")
        done = subprocess.run(
            [program, "serve", "--port", str(server.port)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert "the port is in use" in done.stderr


def test_the_token_is_asked_for_and_never_shown(token_file):
    from pyspark.sql import SparkSession

    with running_server("--token-file", token_file) as server:
        for metadata, text in [
            ([], "No authentication token provided"),
            ([("authorization", "Bearer wrong")], "Invalid authentication token"),
            ([("authorization", f"Bearer {TOKEN}x")], "Invalid authentication token"),
            ([("authorization", f"Basic {TOKEN}")], "Invalid authentication token"),
            ([("authorization", "Bearer ")], "Invalid authentication token"),
        ]:
            with pytest.raises(grpc.RpcError) as failed:
                ask_version(server, metadata)
            assert failed.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert failed.value.details() == text
        spark = SparkSession.builder.remote(f"{server.url}/;token={TOKEN}").create()
        assert spark.range(3).count() == 3
        spark.stop()
        assert server.stop() == 0
        assert TOKEN not in server.output()


def test_tls(certificate):
    cert, key = certificate
    with running_server("--tls-cert", cert, "--tls-key", key) as server:
        with pytest.raises(grpc.RpcError):
            ask_version(server)
        credentials = grpc.ssl_channel_credentials(cert.read_bytes())
        with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
            stub = base_pb2_grpc.SparkConnectServiceStub(channel)
            request = pb2.AnalyzePlanRequest(
                session_id=SESSION, spark_version=pb2.AnalyzePlanRequest.SparkVersion()
            )
            assert stub.AnalyzePlan(request).spark_version.version == "4.2.0"


def test_limits():
    from pyspark.sql import SparkSession

    with running_server("--max-sessions", 2, "--max-message-mib", 1) as server:
        sessions = [SparkSession.builder.remote(server.url).create() for _ in range(3)]
        assert [one.range(1).count() for one in sessions[:2]] == [1, 1]
        with pytest.raises(Exception, match="TOO_MANY_SESSIONS"):
            sessions[2].range(1).count()
        sessions[0].stop()
        assert sessions[2].range(1).count() == 1
        with pytest.raises(Exception, match="(?i)larger than max"):
            sessions[2].sql("x" * (2 << 20))
        for one in sessions[1:]:
            one.stop()


def test_functions_of_clients_can_be_refused(tmp_path):
    from pyspark.sql import SparkSession

    with running_server("--no-python") as server:
        spark = SparkSession.builder.remote(server.url).create()
        stream = spark.readStream.format("rate").load().writeStream
        with pytest.raises(Exception, match="UNSUPPORTED_FEATURE.*foreachBatch"):
            stream.foreachBatch(lambda frame, number: None).start()
        spark.stop()
