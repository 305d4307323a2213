#!/usr/bin/env python
"""The job of the report: TFRecord files, an embedding model, Adam, parameter servers; it trains until the data has ended, and again.

Runs on TensorFlow 1.12 (Python 2.7 or 3) and, through tf.compat.v1, on 2.x. Starts every task of the job as a process of its own, waits for
the workers, and ends the servers.

    python job.py --servers 2 --workers 1 --inter-op 2 --input coupled --epochs 5

--input coupled     the iterator's get_next is part of the training step, as in the report
--input queue       a FIFOQueue in place of the iterator
--input decoupled   get_next and the training step are two sess.run calls, as in the report's work-around

A worker prints one line per sess.run: "STEP epoch number" when it got a batch, "END epoch number" when the data had ended. With --loss N
all that is random begins with the seed N, files are read in turns, and each STEP line ends with the step's loss, which is fetched. And
"MOMENTS epoch variable before after" tells Adam's first moments, summed up, before and after the sess.run that met the end of the data.
"""
from __future__ import print_function

import argparse
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time

RECORDS = 24
FILES = 4
USERS = ITEMS = 100
WIDTH = 8


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--inter-op", type=int, default=2)
    parser.add_argument("--intra-op", type=int, default=1)
    parser.add_argument("--input", choices=["coupled", "queue", "decoupled"], default="coupled")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=0, help="batches per epoch; 0: those of the 24 records that are written")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--linger", type=float, default=0.0, help="seconds that a worker stays after its last step")
    parser.add_argument("--loss", type=int, default=0, help="a seed; fetch and print the loss of each step")
    parser.add_argument("--export", default="", help="write a RunMetadata file with the partition graphs of one step, and end")
    return parser.parse_args()


def free_port():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    return port


def load():
    """Imports TensorFlow, with the names of 1.x."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow
    if hasattr(tensorflow, "FixedLenFeature"):
        return tensorflow
    tensorflow.compat.v1.disable_v2_behavior()
    return tensorflow.compat.v1


def launch(options):
    """Starts all tasks; ends with 1 if a worker failed."""
    tf = load()
    cluster = {job: ["127.0.0.1:%d" % free_port() for _ in range(count)]
               for job, count in [("ps", options.servers), ("worker", options.workers)] if count}
    data = tempfile.mkdtemp()
    tasks = []

    def start(job, index):
        # Nothing of TensorFlow runs yet, so that a process may be forked; importing it once is three times as fast as three times.
        task = os.fork()
        if task == 0:
            code = 1
            try:
                work(tf, options, cluster, job, index, os.path.join(data, job + str(index)))
                code = 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                # A session that is closed while servers are being ended may wait for them.
                os._exit(code)
        tasks.append(task)
        return task

    def stop(*_):
        sys.exit(1)

    signal.signal(signal.SIGTERM, stop)
    try:
        for index in range(options.servers):
            start("ps", index)
        workers = [start("worker", index) for index in range(options.workers)]
        return int(any([os.waitpid(worker, 0)[1] for worker in workers]))
    finally:
        for task in tasks:
            try:
                os.kill(task, signal.SIGKILL)
                os.waitpid(task, 0)
            except OSError:
                pass  # It has ended before.
        shutil.rmtree(data, ignore_errors=True)


def say(*words):
    print("%.3f" % time.time(), *words)
    sys.stdout.flush()


def write_records(tf, folder, records):
    def feature(kind, value):
        lists = {"float": tf.train.FloatList, "int64": tf.train.Int64List}
        return tf.train.Feature(**{kind + "_list": lists[kind](value=[value])})

    os.makedirs(folder)
    for part in range(FILES):
        with tf.python_io.TFRecordWriter(os.path.join(folder, "part-%d" % part)) as writer:
            for _ in range(records // FILES):
                features = {"user": feature("int64", random.randrange(USERS)),
                            "item": feature("int64", random.randrange(ITEMS)),
                            "label": feature("float", random.random())}
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString())


def iterator(tf, folder, batch, sloppy):
    def parse(examples):
        fields = {"user": tf.FixedLenFeature([1], tf.int64), "item": tf.FixedLenFeature([1], tf.int64),
                  "label": tf.FixedLenFeature([1], tf.float32)}
        parsed = tf.parse_example(examples, fields)
        return parsed["user"], parsed["item"], parsed["label"]

    with tf.name_scope("input"):
        data = tf.data.Dataset.list_files(folder + "/part-*", shuffle=sloppy)
        data = data.apply(tf.data.experimental.parallel_interleave(tf.data.TFRecordDataset, cycle_length=4, sloppy=sloppy))
        data = data.prefetch(2 * batch).batch(batch).map(parse, num_parallel_calls=4)
        return data.make_initializable_iterator()


def queue(tf, batch):
    shape = [batch, 1]
    values = tf.ones(shape, tf.int64), tf.ones(shape, tf.int64), tf.ones(shape)
    waiting = tf.FIFOQueue(10, [tf.int64, tf.int64, tf.float32], shapes=[shape] * 3)
    return waiting.dequeue(), waiting.enqueue(values), waiting.close()


def predict(tf, user, item):
    users = tf.get_variable("ue", [USERS, WIDTH], initializer=tf.random_uniform_initializer(-0.1, 0.1))
    items = tf.get_variable("ie", [ITEMS, WIDTH], initializer=tf.random_uniform_initializer(-0.1, 0.1))
    weights, bias = tf.get_variable("w", [WIDTH, WIDTH]), tf.get_variable("b", [WIDTH])
    user = tf.nn.embedding_lookup(users, tf.reshape(user, [-1]))
    item = tf.nn.embedding_lookup(items, tf.reshape(item, [-1]))
    return tf.reduce_sum((tf.matmul(user, weights) + bias) * item, 1, keepdims=True)


class Input(object):
    """The input of a worker: what a step reads, and how it begins anew."""

    def __init__(self, tf, options, folder):
        self.kind = options.input
        self.repeats = options.steps or RECORDS // options.batch
        if self.kind == "queue":
            self.batch, self.enqueue, self.close = queue(tf, options.batch)
        else:
            source = iterator(tf, folder, options.batch, sloppy=not options.loss)
            self.batch, self.begin_op = source.get_next(), source.initializer
        self.read = self.batch
        if self.kind == "decoupled":
            types = [tf.int64, tf.int64, tf.float32]
            self.batch = [tf.placeholder(kind, [None, 1]) for kind in types]

    def begin(self, session, first):
        if self.kind != "queue":
            session.run(self.begin_op)
        elif first:
            for _ in range(self.repeats):
                session.run(self.enqueue)
            session.run(self.close)

    def train(self, session, ops, **more):
        if self.kind == "decoupled":
            return session.run(ops, dict(zip(self.batch, session.run(self.read))), **more)
        return session.run(ops, **more)


def work(tf, options, cluster, job, index, folder):
    spec = tf.train.ClusterSpec(cluster)
    config = tf.ConfigProto(inter_op_parallelism_threads=options.inter_op,
                            intra_op_parallelism_threads=options.intra_op)
    server = tf.train.Server(spec, job_name=job, task_index=index, config=config)
    if job == "ps":
        server.join()
    if options.loss:
        random.seed(options.loss + index)
        tf.set_random_seed(options.loss)
    write_records(tf, folder, options.batch * options.steps or RECORDS)
    with tf.device(tf.train.replica_device_setter(worker_device="/job:worker/task:%d" % index, cluster=spec)):
        source = Input(tf, options, folder)
        user, item, label = source.batch
        loss = tf.reduce_mean(tf.square(predict(tf, user, item) - label))
        optimizer = tf.train.AdamOptimizer(1e-3)
        train = optimizer.minimize(loss)
        moments = {}
        if options.loss:
            moments = {variable.op.name: tf.reduce_sum(tf.abs(optimizer.get_slot(variable, "m"))) for variable in tf.trainable_variables()}
        ready, init = tf.report_uninitialized_variables(), tf.global_variables_initializer()
    with tf.Session(server.target) as session:
        if index == 0:
            session.run(init)
        while index and len(session.run(ready)):
            time.sleep(0.2)
        if options.export:
            source.begin(session, True)
            metadata = tf.RunMetadata()
            source.train(session, train, options=tf.RunOptions(output_partition_graphs=True), run_metadata=metadata)
            with open(options.export, "wb") as out:
                out.write(metadata.SerializeToString())
        else:
            epochs(tf, session, source, [train, loss] if options.loss else [train], moments, options)
        time.sleep(options.linger)


def epochs(tf, session, source, ops, moments, options):
    for epoch in range(options.epochs):
        source.begin(session, epoch == 0)
        number, before = 0, {}
        while True:
            if moments and number == source.repeats:
                before = session.run(moments)
            try:
                values = source.train(session, ops)
            except tf.errors.OutOfRangeError:
                say("END", epoch, number)
                after = session.run(moments) if before else {}
                for name in sorted(after):
                    say("MOMENTS", epoch, name, "%.9g" % before[name], "%.9g" % after[name])
                break
            number += 1
            say("STEP", epoch, number, *["%.9g" % value for value in values[1:]])


if __name__ == "__main__":
    sys.exit(launch(arguments()))
