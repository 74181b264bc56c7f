# SPDX-License-Identifier: Apache-2.0
"""rdkafka - the two things that kcat cannot do, by librdkafka itself: making topics as a test wants them, and asking
what offsets a group has committed."""
import ctypes

_lib = ctypes.CDLL("librdkafka.so.1")
_P, _S, _I, _Z, _L = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_int64
_PRODUCER, _CONSUMER = 0, 1


class _Partition(ctypes.Structure):
    _fields_ = [("topic", _S), ("partition", ctypes.c_int32), ("offset", _L), ("metadata", _P), ("metadata_size", _Z),
                ("opaque", _P), ("err", _I), ("private", _P)]


class _List(ctypes.Structure):
    _fields_ = [("n", _I), ("size", _I), ("at", ctypes.POINTER(_Partition))]


def _declare(name, result, *arguments):
    function = getattr(_lib, f"rd_kafka_{name}")
    function.restype, function.argtypes = result, arguments
    return function


_conf_new = _declare("conf_new", _P)
_conf_set = _declare("conf_set", _I, _P, _S, _S, _P, _Z)
_new = _declare("new", _P, _I, _P, _P, _Z)
_destroy = _declare("destroy", None, _P)
_list_new = _declare("topic_partition_list_new", ctypes.POINTER(_List), _I)
_list_add = _declare("topic_partition_list_add", _P, ctypes.POINTER(_List), _S, ctypes.c_int32)
_list_destroy = _declare("topic_partition_list_destroy", None, ctypes.POINTER(_List))
_committed = _declare("committed", _I, _P, ctypes.POINTER(_List), _I)
_topic_new = _declare("NewTopic_new", _P, _S, _I, _I, _P, _Z)
_topic_set = _declare("NewTopic_set_config", _I, _P, _S, _S)
_topic_destroy = _declare("NewTopic_destroy", None, _P)
_create = _declare("CreateTopics", None, _P, ctypes.POINTER(_P), _Z, _P, _P)
_queue_new = _declare("queue_new", _P, _P)
_queue_destroy = _declare("queue_destroy", None, _P)
_poll = _declare("queue_poll", _P, _P, _I)
_event_code = _declare("event_error", _I, _P)
_event_topics = _declare("event_CreateTopics_result", _P, _P)
_result_topics = _declare("CreateTopics_result_topics", ctypes.POINTER(_P), _P, ctypes.POINTER(_Z))
_topic_error = _declare("topic_result_error", _I, _P)
_event_destroy = _declare("event_destroy", None, _P)


def _handle(kind, **config):
    conf = _conf_new()
    for key, value in config.items():
        _conf_set(conf, key.replace("_", ".").encode(), str(value).encode(), None, 0)
    rk = _new(kind, conf, None, 0)
    if not rk:
        raise RuntimeError("no librdkafka handle")
    return rk


def make_topic(brokers, name, partitions, **config):
    """Makes one topic; configuration keys have _ for their dots."""
    rk = _handle(_PRODUCER, bootstrap_servers=brokers)
    topic, queue, n = _topic_new(name.encode(), partitions, 1, None, 0), _queue_new(rk), _Z()
    for key, value in config.items():
        _topic_set(topic, key.replace("_", ".").encode(), str(value).encode())
    _create(rk, ctypes.byref(_P(topic)), 1, None, queue)
    event = _poll(queue, 20000)
    failed = _event_code(event) if event else "no answer"
    if event and not failed:
        failed = _topic_error(_result_topics(_event_topics(event), ctypes.byref(n))[0])
    if event:
        _event_destroy(event)
    _queue_destroy(queue)
    _topic_destroy(topic)
    _destroy(rk)
    if failed:
        raise RuntimeError(f"topic {name}: {failed}")


class Group:
    """Looks at the offsets of a consumer group without joining it."""

    def __init__(self, brokers, name):
        self.rk = _handle(_CONSUMER, bootstrap_servers=brokers, group_id=name, log_level=0)

    def committed(self, asked, limit_s=10):
        """{(topic, partition): offset} for those asked that have one."""
        parts = _list_new(len(asked))
        for topic, partition in asked:
            _list_add(parts, topic.encode(), partition)
        failed = _committed(self.rk, parts, int(limit_s * 1000))
        found = [parts.contents.at[i] for i in range(parts.contents.n)]
        found = {(p.topic.decode(), p.partition): p.offset for p in found if p.offset >= 0}
        _list_destroy(parts)
        if failed:
            raise RuntimeError(f"committed offsets: error {failed}")
        return found
