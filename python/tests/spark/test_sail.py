"""`logistic.spark` on Sail, an engine that speaks Spark's protocol: the same code. `make test-cluster`."""

import pytest
from rows import agree, table

import logistic

server = pytest.importorskip("pysail.spark")


@pytest.fixture(scope="module")
def sail():
    from pyspark.sql import SparkSession

    engine = server.SparkConnectServer("127.0.0.1", 0)
    engine.start(background=True)
    _, port = engine.listening_address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    yield session
    session.stop()
    engine.stop()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options",
    [
        {"target": "y", "exclude": ["hole"], "weights": "w"},
        {"target": "y", "exclude": ["w"], "missing": "drop", "l2": 0.01},
        {"target": "word", "exclude": ["hole", "w", "y"], "l2": 0.001},
    ],
)
def test_the_fit_is_that_of_one_process(sail, options):
    rows = table()
    # What is missing of a float is what both sides call missing.
    rows["hole"] = rows["hole"].astype("float64")
    here = logistic.fit(rows, **options)
    frame = sail.createDataFrame(rows)
    for partitions in (1, 4):
        agree(here, logistic.spark.fit(frame.repartition(partitions), **options))
