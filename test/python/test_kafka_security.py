"""Passwords and certificates: a broker with TLS and SASL, and what the programs make of it."""

import concurrent.futures
import ctypes
import os
import pathlib
import shutil
import subprocess

import confluent_kafka
import confluent_kafka.admin
import pytest
from brokers import Broker, free_ports
from test_lake_readers import with_pyarrow
from topic_reader import read_orders

PASSWORD = "tell-nobody"
WRONG = "not-the-password"
THROUGH_LIBRDKAFKA = "Kafka is read through librdkafka"
MODULES = "org.apache.kafka.common.security"
# The broker is given up within 10 s; the rest is for a machine that is busy.
GIVEN_UP_SECONDS = 60


def run(*command):
    subprocess.run([*map(str, command)], check=True, capture_output=True)


class SecureBroker:
    """Listeners SASL (SASL_SSL) and TLS (SSL, clients show a certificate) beside PLAINTEXT."""

    def __init__(self, folder):
        self.folder = folder
        port = free_ports(4)
        self.broker = Broker(folder / "kafka", port)
        self.plaintext = self.broker.address
        self.sasl = f"127.0.0.1:{port + 2}"
        self.tls = f"127.0.0.1:{port + 3}"
        self._make_certificates()
        self.broker.properties = folder / "broker.properties"
        listeners = [
            f"PLAINTEXT://{self.plaintext}", f"SASL://{self.sasl}", f"TLS://{self.tls}",
        ]
        plain = f'{MODULES}.plain.PlainLoginModule required user_alice="{PASSWORD}";'
        scram = f"{MODULES}.scram.ScramLoginModule required;"
        self.broker.properties.write_text(f"""
listeners={",".join(listeners)},CONTROLLER://127.0.0.1:{port + 1}
advertised.listeners={",".join(listeners)}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,TLS:SSL
inter.broker.listener.name=PLAINTEXT
ssl.keystore.location={folder}/broker.p12
ssl.keystore.password={PASSWORD}
ssl.truststore.location={folder}/client.pem
ssl.truststore.type=PEM
listener.name.tls.ssl.client.auth=required
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config={plain}
listener.name.sasl.scram-sha-256.sasl.jaas.config={scram}
listener.name.sasl.scram-sha-512.sasl.jaas.config={scram}
""")

    def _make_certificates(self):
        """broker.pem, trusted in trust.{pem,p12,jks}; client.{pem,p12}; other.pem."""
        names = {"broker": "IP:127.0.0.1,DNS:localhost", "client": "DNS:client", "other": "DNS:other"}
        for name, alternative in names.items():
            key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
            run(
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 3650,
                "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}",
                "-keyout", key, "-out", certificate,
            )
            run(
                "openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key,
                "-name", name, "-out", self.folder / f"{name}.p12", "-passout", f"pass:{PASSWORD}",
            )
        shutil.copy(self.folder / "broker.pem", self.folder / "trust.pem")
        for store, kind in [("trust.p12", "PKCS12"), ("trust.jks", "JKS")]:
            run(
                "keytool", "-importcert", "-noprompt", "-alias", "broker", "-storetype", kind,
                "-file", self.folder / "broker.pem", "-keystore", self.folder / store,
                "-storepass", PASSWORD,
            )

    def add_scram_user(self):
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.plaintext})
        mechanisms = confluent_kafka.admin.ScramMechanism
        for mechanism in (mechanisms.SCRAM_SHA_256, mechanisms.SCRAM_SHA_512):
            info = confluent_kafka.admin.ScramCredentialInfo(mechanism, 4096)
            change = confluent_kafka.admin.UserScramCredentialUpsertion(
                "alice", info, PASSWORD.encode()
            )
            for done in admin.alter_user_scram_credentials([change]).values():
                done.result(timeout=30)


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    secure = SecureBroker(tmp_path_factory.mktemp("secure"))
    secure.broker.start()
    try:
        secure.add_scram_user()
        yield secure
    finally:
        secure.broker.stop()


def sasl(mechanism, password=PASSWORD, user="alice"):
    module = "plain.Plain" if mechanism == "PLAIN" else "scram.Scram"
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "sasl.jaas.config": f"{MODULES}.{module}LoginModule required \\\n"
        f'    username="{user}" password="{password}";',
    }


def trust(secure, store):
    settings = {"ssl.truststore.location": secure.folder / store}
    if not store.endswith(".pem"):
        settings["ssl.truststore.password"] = PASSWORD
    return settings


def write_config(folder, settings):
    file = folder / "client.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return file


@pytest.fixture(scope="module")
def new_librdkafka(tmp_path_factory):
    """The environment of a program that is to use the librdkafka of Python's client: Debian 12's
    cannot log in with SCRAM to today's brokers."""
    wheel = pathlib.Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    (library,) = wheel.glob("librdkafka-*.so.1")
    folder = tmp_path_factory.mktemp("librdkafka")
    (folder / "librdkafka.so.1").symlink_to(library)
    return {"LD_LIBRARY_PATH": str(folder)}


@pytest.fixture
def whole_stacks():
    """The environment in which a sanitizer follows stacks through libraries: without them it could
    not tell what tools/sanitizers/lsan.supp excuses."""
    options = os.environ.get("ASAN_OPTIONS")
    return {"ASAN_OPTIONS": options + ":fast_unwind_on_malloc=0"} if options else {}


def produce(programs, servers, topic, config, check=True, env=None):
    return programs.run(
        "orders_producer", "--bootstrap-servers", servers, "--command-config", config,
        "--topic", topic, "--create-topic", "--rate", 0, "--count", 200, "--seed", 1, check=check,
        timeout=GIVEN_UP_SECONDS, env=env,
    )


def track(programs, servers, topic, config, folder, check=True, env=None):
    return programs.run(
        "ecommerce_tracking", "--bootstrap-servers", servers, "--command-config", config,
        "--topic", topic, "--available-now", "--checkpoint", folder / "checkpoints",
        "--output", folder / "lake", check=check, timeout=GIVEN_UP_SECONDS, env=env,
    )


def assert_kept_secret(outputs, folder, *secrets):
    for secret in secrets:
        for done in outputs:
            assert secret not in done.stdout + done.stderr
        for file in pathlib.Path(folder).rglob("*"):
            if file.is_file():
                assert secret.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    "mechanism, store",
    [("PLAIN", "trust.jks"), ("SCRAM-SHA-256", "trust.p12"), ("SCRAM-SHA-512", "trust.pem")],
)
def test_sasl_over_tls(programs, secure, topic, tmp_path, new_librdkafka, mechanism, store):
    config = write_config(tmp_path, {**sasl(mechanism), **trust(secure, store)})
    output = tmp_path / "output"
    env = new_librdkafka if mechanism.startswith("SCRAM") else None
    runs = [
        produce(programs, secure.sasl, topic, config, env=env),
        track(programs, secure.sasl, topic, config, output, env=env),
    ]
    orders = read_orders(secure.plaintext, topic)
    assert len(orders) == 200
    assert sorted(with_pyarrow(output / "lake")) == orders
    assert THROUGH_LIBRDKAFKA not in runs[1].stderr
    assert_kept_secret(runs, output, PASSWORD)


def test_a_setting_of_tls_that_only_librdkafka_knows(programs, secure, topic, tmp_path):
    settings = {
        **sasl("PLAIN"), **trust(secure, "trust.pem"), "ssl.sigalgs.list": "RSA+SHA256:RSA-PSS+SHA256",
    }  # fmt: skip
    config = write_config(tmp_path, settings)
    output = tmp_path / "output"
    produce(programs, secure.sasl, topic, config)
    done = track(programs, secure.sasl, topic, config, output)
    assert sorted(with_pyarrow(output / "lake")) == read_orders(secure.plaintext, topic)
    assert f"{THROUGH_LIBRDKAFKA}, since the option kafka.ssl.sigalgs.list is set" in done.stderr


def test_a_librdkafka_without_scram_for_new_brokers_is_named(programs, secure, topic, tmp_path):
    broken = ctypes.CDLL("librdkafka.so.1").rd_kafka_version() < 0x020601FF
    config = write_config(tmp_path, {**sasl("SCRAM-SHA-256"), **trust(secure, "trust.pem")})
    for done in [
        produce(programs, secure.sasl, topic, config, check=False),
        track(programs, secure.sasl, topic, config, tmp_path / "output", check=False),
    ]:
        assert done.returncode == (1 if broken else 0)
        assert ("take librdkafka 2.6.1 or later" in done.stderr) == broken


def test_tls_with_a_certificate_of_the_client(programs, secure, topic, tmp_path, whole_stacks):
    settings = {
        "security.protocol": "SSL", **trust(secure, "trust.jks"),
        "ssl.keystore.location": secure.folder / "client.p12",
        "ssl.keystore.password": PASSWORD, "ssl.key.password": PASSWORD,
    }
    config = write_config(tmp_path, settings)
    output = tmp_path / "output"
    runs = [
        produce(programs, secure.tls, topic, config, env=whole_stacks),
        track(programs, secure.tls, topic, config, output, env=whole_stacks),
    ]
    assert sorted(with_pyarrow(output / "lake")) == read_orders(secure.plaintext, topic)
    assert THROUGH_LIBRDKAFKA not in runs[1].stderr
    assert_kept_secret(runs, output, PASSWORD)


REFUSED = {
    "wrong password, PLAIN": (
        lambda s: {**sasl("PLAIN", WRONG), **trust(s, "trust.pem")}, "uthentication"),
    "wrong password, SCRAM": (
        lambda s: {**sasl("SCRAM-SHA-256", WRONG), **trust(s, "trust.pem")}, "uthentication"),
    "unknown user": (
        lambda s: {**sasl("SCRAM-SHA-512", user="bob"), **trust(s, "trust.pem")},
        "uthentication"),
    "a certificate nobody vouches for": (
        lambda s: {**sasl("PLAIN"), **trust(s, "other.pem")}, "certificate"),
    "wrong password of the store": (
        lambda s: {**sasl("PLAIN"), "ssl.truststore.location": s.folder / "trust.jks",
                   "ssl.truststore.password": WRONG}, "kafka.ssl.truststore.password"),
    "wrong password of the client's store": (
        lambda s: {**trust(s, "trust.jks"), "security.protocol": "SSL",
                   "ssl.keystore.location": s.folder / "client.p12",
                   "ssl.keystore.password": WRONG}, "ssl.keystore.location"),
    "no store there": (
        lambda s: {**sasl("PLAIN"), "ssl.truststore.location": "/no/such/store"},
        "kafka.ssl.truststore.location"),
    "no TLS where the broker wants it": (
        lambda s: {**sasl("PLAIN"), "security.protocol": "SASL_PLAINTEXT"}, "127.0.0.1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said(programs, secure, topic, tmp_path, new_librdkafka, case):
    make_settings, words = REFUSED[case]
    config = write_config(tmp_path, make_settings(secure))
    output = tmp_path / "output"
    output.mkdir()
    env = new_librdkafka if "SCRAM" in config.read_text() else None
    with concurrent.futures.ThreadPoolExecutor() as pool:
        job = pool.submit(
            track, programs, secure.sasl, topic, config, output, check=False, env=env
        )
        producer = pool.submit(
            produce, programs, secure.sasl, topic, config, check=False, env=env
        )
    runs = [job.result(), producer.result()]
    for done in runs:
        assert done.returncode == 1
        assert words in done.stderr, done.stderr
        assert secure.sasl in done.stderr or "ssl." in done.stderr
    assert_kept_secret(runs, output, PASSWORD, WRONG)
