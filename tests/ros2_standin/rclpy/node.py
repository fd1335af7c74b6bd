"""Nodes, their entities, and what they see of the graph."""

import inspect
import sys

import yaml

from rclpy import native
from rclpy.duration import Duration
from rclpy.exceptions import InvalidParameterTypeException, ParameterUninitializedException
from rclpy.parameter import Parameter
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
            if isinstance(msg, self.msg_type):
                self.handle.publish(msg)
            elif isinstance(msg, bytes):
                self.handle.publish_raw(msg)
            else:
                raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")

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


class Service:
    def __init__(self, handle, srv_type, callback):
        self.handle, self.srv_type, self.callback = handle, srv_type, callback

    def send_response(self, response, header):
        if not isinstance(response, self.srv_type.Response):
            raise TypeError
        with self.handle:
            self.handle.service_send_response(response, header)


class Logger:
    def __init__(self, name):
        self._name = name

    def info(self, message):
        return self._log("INFO", message)

    def error(self, message):
        return self._log("ERROR", message)

    def _log(self, severity, message):
        assert isinstance(message, str)
        sys.stderr.write(f"[{severity}] [{self._name}]: {message}\n")
        return True


def overrides(words):
    """Parameters given as `--ros-args -p name:=value`, the values in YAML."""
    rules = [rule.partition(":=") for flag, rule in native.ros_arguments(words) if flag in {"-p", "--param"}]
    return {name: yaml.safe_load(value) for name, _, value in rules}


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
        self._services = []
        self._parameters = {}
        self._overrides = overrides(context.handle.args) if use_global_arguments else {}
        self.create_publisher(ParameterEvent, "/parameter_events", QoSProfile(depth=1000))
        self.declare_parameter("use_sim_time", False)  # by its TimeSource

    def get_name(self):
        return self._node.name

    def get_namespace(self):
        return self._node.namespace

    def get_logger(self):
        return Logger(self.get_name())

    def _expanded(self, name):
        return f"{self.get_namespace().rstrip('/')}/{self.get_name()}{name[1:]}" if name.startswith("~/") else name

    def declare_parameter(self, name, value=None, descriptor=None, ignore_override=False):
        assert isinstance(value, str | bool | int | float | list), "else it has no static type"
        assert value != [], "rclpy takes an empty list for bytes"
        given = self._overrides.get(name, value)
        if given == []:  # rcl cannot tell its type: the parameter stays unset
            given = None
        elif type(given) is not type(value):
            raise InvalidParameterTypeException(f"Trying to set parameter '{name}' to '{given}' of another type")
        self._parameters[name] = Parameter(name, value=given)
        return self._parameters[name]

    def get_parameter(self, name):
        if self._parameters[name].value is None:
            raise ParameterUninitializedException(f"The parameter '{name}' is not initialized")
        return self._parameters[name]

    def get_parameter_or(self, name, alternative_value=None):
        return self._parameters[name]

    def create_service(self, srv_type, srv_name, callback, *, qos_profile=None, callback_group=None):
        handle = native.Service(self._node, srv_type, self._expanded(srv_name))
        self._services.append(Service(handle, srv_type, callback))
        return self._services[-1]

    @property
    def services(self):
        yield from self._services

    def create_publisher(self, msg_type, topic, qos_profile, *, event_callbacks=None):
        topic = self._expanded(topic)
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
