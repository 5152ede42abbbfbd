"""`logistic.spark`, in a cluster of two executors on this machine. Wants pyspark and a Java runtime: `make test-cluster`."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pandas
import pytest
from rows import agree, table

import logistic

# Every process of Spark's talks to this machine alone, and runs the Python that the package is installed in.
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
os.environ["PYSPARK_PYTHON"] = sys.executable


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.executor.memory", "512m")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def frame_of(spark, pandas_frame, partitions):
    rows = [tuple(None if value is pandas.NA else value for value in row) for row in pandas_frame.itertuples(index=False)]
    rows = [tuple(value.item() if isinstance(value, np.generic) else value for value in row) for row in rows]
    schema = "x double, big double, word string, flag boolean, hole long, w double, y string"
    return spark.createDataFrame(spark.sparkContext.parallelize(rows, partitions), schema)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options",
    [
        {"exclude": ["hole", "w"]},
        {"exclude": ["hole"], "weights": "w", "min_level_count": 60, "reference": {"word": "red"}},
        {"exclude": ["w"], "missing": "drop", "l2": 0.01, "interaction": [("x", "word")]},
        {"exclude": ["hole", "w", "y"], "target": "word", "l2": 0.001},
        {"exclude": ["hole", "w"], "l1": 0.01, "l2": 0.001},
        {"exclude": ["hole"], "weights": "w", "class_weight": "balanced", "covariance": "hc1"},
        {"exclude": ["hole", "w"], "lr_tests": True, "intervals": "profile"},
    ],
)
def test_the_fit_is_that_of_all_rows(spark, options):
    rows = table()
    options = {"target": "y", **options}
    here = logistic.fit(rows, **options)
    for partitions in (1, 5):
        frame = frame_of(spark, rows, partitions)
        there = logistic.spark.fit(frame, **options)
        agree(here, there)
        assert not frame.storageLevel.useMemory
    np.testing.assert_allclose(there.predict_proba(rows), here.predict_proba(rows), atol=1e-10)


def test_what_is_wrong_is_said_before_the_work(spark):
    frame = frame_of(spark, table(300), 2)
    with pytest.raises(logistic.Error) as missing:
        logistic.spark.fit(frame, target="y")
    assert missing.value.kind == "missing_value" and missing.value.column == "hole"
    with pytest.raises(logistic.Error) as refused:
        logistic.spark.fit(frame, target="y", missing="impute")
    assert refused.value.kind == "setting"
    with pytest.raises(logistic.Error):
        logistic.spark.fit(frame, target="y", exclude=["hole"], bootstrap=100)
    with pytest.raises(TypeError):
        logistic.spark.fit(frame, target="y", nonsense=1)
    with pytest.raises(logistic.Error) as unknown:
        logistic.spark.fit(frame, target="z")
    assert unknown.value.kind == "unknown_column"


def executors():
    """The processes of Spark's executors, children of this process's Java."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = open(f"/proc/{entry}/cmdline", "rb").read()
            except OSError:
                continue
            if b"CoarseGrainedExecutorBackend" in words:
                found.append(int(entry))
    return found


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks for processes in /proc")
def test_a_lost_executor_costs_time_and_nothing_else(spark):
    rows = table(20_000)
    frame = frame_of(spark, rows, 4)
    here = logistic.fit(rows, target="y", exclude=["hole", "w"])
    begun = threading.Event()

    def kill():
        begun.wait()
        time.sleep(0.3)
        os.kill(executors()[0], signal.SIGKILL)

    # A fit that fails before it begins must not keep the process.
    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    there = logistic.spark.fit(frame, target="y", exclude=["hole", "w"], progress=lambda *_: begun.set())
    killer.join()
    agree(here, there)
