"""Nodes, their entities, and what they see of the graph."""

import inspect

from rclpy import native
from rclpy.duration import Duration
from rclpy.qos import ENDLESS_NS, QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.versions import VERSION


class TypeHash:
    def __init__(self, text):
        self._text = text

    def __str__(self):
        return self._text or "INVALID"


class TopicEndpointInfo:
    def __init__(self, name, namespace, ros_type, guid, qos, type_hash):
        self.node_name, self.node_namespace = name, namespace
        self.topic_type = ros_type
        self.endpoint_gid = list(bytes.fromhex(guid).ljust(VERSION.gid_size, b"\0"))
        self.qos_profile = _profile(qos)
        if VERSION.hashes:
            self.topic_type_hash = TypeHash(type_hash)


def _profile(qos):
    return QoSProfile(
        history=QoSHistoryPolicy[qos.history.upper()],
        depth=qos.depth,
        reliability=QoSReliabilityPolicy[qos.reliability.upper()],
        durability=QoSDurabilityPolicy[qos.durability.upper()],
        deadline=Duration(nanoseconds=qos.deadline_ns or ENDLESS_NS),
        lifespan=Duration(nanoseconds=qos.lifespan_ns or ENDLESS_NS),
    )


class Publisher:
    def __init__(self, handle, msg_type):
        self.handle, self.msg_type = handle, msg_type

    def publish(self, msg):
        with self.handle:
            if not isinstance(msg, bytes):
                raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")
            self.handle.publish_raw(msg)

    def get_subscription_count(self):
        with self.handle:
            return self.handle.get_subscription_count()


class Subscription:
    def __init__(self, handle, msg_type, topic, callback, raw, event_callbacks):
        self._handle = handle
        self.msg_type, self.topic, self.raw = msg_type, topic, raw
        self.callback, self.with_info = callback, False
        if VERSION.hashes:
            try:
                inspect.signature(callback).bind(object())
            except TypeError:
                inspect.signature(callback).bind(object(), object())
                self.with_info = True
            self.get_publisher_count = handle.get_publisher_count
        self.event_handlers = event_callbacks.create_event_handlers(None, handle, topic)

    @property
    def handle(self):
        return self._handle

    def destroy(self):
        for handler in self.event_handlers:
            handler.destroy()
        self._handle.destroy_when_not_in_use()


class ParameterEvent(metaclass=type("Metaclass_ParameterEvent", (type,), {"_TYPE_SUPPORT": "a capsule"})):
    pass


ParameterEvent.__module__ = "rcl_interfaces.msg"


class Node:
    def __init__(
        self,
        node_name,
        *,
        context=None,
        cli_args=None,
        namespace=None,
        use_global_arguments=True,
        enable_rosout=True,
        start_parameter_services=True,
        parameter_overrides=None,
        allow_undeclared_parameters=False,
        automatically_declare_parameters_from_overrides=False,
    ):
        assert context.ok(), "cannot create node"
        self._node = native.Node(node_name, namespace or "/", context.handle)
        self._subscriptions = []
        self.create_publisher(ParameterEvent, "/parameter_events", QoSProfile(depth=1000))

    def get_name(self):
        return self._node.name

    def get_namespace(self):
        return self._node.namespace

    def create_publisher(self, msg_type, topic, qos_profile, *, event_callbacks=None):
        return Publisher(native.Publisher(self._node, msg_type, topic, qos_profile), msg_type)

    def create_subscription(
        self, msg_type, topic, callback, qos_profile, *, callback_group=None, event_callbacks=None, raw=False
    ):
        handle = native.Subscription(self._node, msg_type, topic, qos_profile)
        try:
            subscription = Subscription(handle, msg_type, topic, callback, raw, event_callbacks)
        except Exception:
            handle.destroy_when_not_in_use()
            raise
        self._subscriptions.append(subscription)
        return subscription

    def destroy_subscription(self, subscription):
        self._subscriptions.remove(subscription)
        subscription.destroy()
        return True

    @property
    def subscriptions(self):
        yield from self._subscriptions

    def get_topic_names_and_types(self, no_demangle=False):
        found = {one.topic: [one.ros_type] for one in self._node.publishers}
        for endpoint in self._node.wire.endpoints():
            found.setdefault(endpoint.topic, []).append(endpoint.ros_type)
        return [(topic, sorted(set(types))) for topic, types in sorted(found.items())]

    def get_publishers_info_by_topic(self, topic_name, no_mangle=False):
        infos = [
            TopicEndpointInfo(
                self.get_name(),
                self.get_namespace(),
                one.ros_type,
                one.writer.guid,
                one.qos,
                native.type_hash(one.ros_type),
            )
            for one in self._node.publishers
            if one.topic == topic_name
        ]
        for endpoint in self._node.wire.endpoints():
            if endpoint.topic == topic_name:
                namespace, _, name = endpoint.node.rpartition("/")
                names = (name, namespace or "/") if name else ("_NODE_NAME_UNKNOWN_", "_NODE_NAMESPACE_UNKNOWN_")
                infos.append(
                    TopicEndpointInfo(*names, endpoint.ros_type, endpoint.publisher, endpoint.qos, endpoint.type_hash)
                )
        return infos

    def count_publishers(self, topic_name):
        return len(self.get_publishers_info_by_topic(topic_name))

    def destroy_node(self):
        self._node.doomed = True
        for subscription in self._subscriptions:
            subscription.destroy()
        self._subscriptions.clear()
        self._node.destroy()
