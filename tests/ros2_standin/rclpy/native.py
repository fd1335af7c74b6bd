"""The compiled half: entities that count their users, a wait set, and the wire."""

import time
from collections import deque
from enum import IntEnum

from embodied_kit.messages.codec import Codec, codec
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import Qos
from embodied_recorders.transports.dds.transport import DdsTransport
from rclpy.versions import CYCLONE, MAX_SAMPLES, VERSION

TYPES = TypeStore()
SLICE_S = 0.05


class RCLError(RuntimeError):
    pass


class UnsupportedEventTypeError(RCLError):
    pass


class UnknownROSArgsError(RuntimeError):
    pass


class InvalidHandle(RuntimeError):  # noqa: N818  # rclpy's name
    pass


class SubscriptionEventType(IntEnum):
    RCL_SUBSCRIPTION_MESSAGE_LOST = 3


class Destroyable:
    """Destroyed when asked to and not in use; entering it afterwards is an error."""

    def __init__(self):
        self.users_n = 0
        self.doomed = False

    def __enter__(self):
        if self.doomed:
            raise InvalidHandle("cannot use Destroyable because destruction was requested")
        self.users_n += 1

    def __exit__(self, kind, error, trace):
        self.users_n -= 1
        if self.doomed and not self.users_n:
            self.destroy()

    def destroy_when_not_in_use(self):
        if not self.doomed:
            self.doomed = True
            if not self.users_n:
                self.destroy()

    def destroy(self):
        pass

    @property
    def pointer(self):
        return id(self)


FLAGS = {"-p", "--param", "-r", "--remap"}


def ros_arguments(words):
    """Pairs of flag and rule after `--ros-args`; a flag that is not known stands alone, as far as we know."""
    given = iter(words[words.index("--ros-args") + 1 :] if "--ros-args" in words else [])
    return [(flag, next(given, "") if flag in FLAGS else "") for flag in given]


class Context(Destroyable):
    def __init__(self, args, domain_id):
        super().__init__()
        assert all(isinstance(word, str) for word in args)
        self.args, self.domain_id = args, domain_id
        for flag, rule in ros_arguments(args):
            if flag not in FLAGS:
                raise UnknownROSArgsError([flag])
            if ":=" not in rule:
                raise RCLError(f"failed to initialize rcl: Couldn't parse rule: '{flag} {rule}'.")
        self.valid = True

    def ok(self):
        return self.valid

    def shutdown(self):
        self.valid = False


class Node(Destroyable):
    """A node, and the participant that carries it."""

    def __init__(self, name, namespace, context):
        super().__init__()
        if not name.isidentifier():
            raise ValueError("invalid node name")
        self.name, self.namespace, self.context = name, namespace, context
        self.wire = DdsTransport(context.domain_id, node_name=f"{namespace.rstrip('/')}/{name}")
        self.subscriptions = {}
        self.publishers = []

    def pump(self, timeout_s):
        """Sort what arrived into the queues of the subscriptions."""
        for sample in self.wire.take(timeout_s):
            self.subscriptions[sample.topic].put(sample)

    def destroy(self):
        self.wire.close()


def wire_qos(profile):
    """The profile in the words of the wire; SYSTEM_DEFAULT is reliable, volatile, KEEP_LAST as most RMWs have it."""
    history = "keep_all" if profile.history.name == "KEEP_ALL" else "keep_last"
    return Qos(
        reliability="best_effort" if profile.reliability.name == "BEST_EFFORT" else "reliable",
        durability="transient_local" if profile.durability.name == "TRANSIENT_LOCAL" else "volatile",
        history=history,
        depth=max(profile.depth, 1) if history == "keep_last" else 0,
        deadline_ns=profile.deadline.nanoseconds or None,
        lifespan_ns=profile.lifespan.nanoseconds or None,
    )


def type_name(message_class):
    message_class.__class__._TYPE_SUPPORT  # noqa: B018  # what is no message has none: AttributeError
    return f"{message_class.__module__.replace('.', '/')}/{message_class.__name__}"


def type_hash(ros_type):
    found = TYPES.definition(ros_type, None) if VERSION.hashes else None
    return found.type_hash if found else None


class Subscription(Destroyable):
    def __init__(self, node, message_class, topic, profile):
        super().__init__()
        self.node, self.topic = node, topic
        qos = wire_qos(profile)
        self.queue = deque(maxlen=qos.depth if qos.history == "keep_last" else None)
        self.lost_n = 0
        self.sequences = {}
        ros_type = type_name(message_class)
        if not topic.startswith("/"):
            raise ValueError(f"Failed to create subscription due to invalid topic name '{topic}'")
        node.subscriptions[topic] = self
        node.wire.subscribe(topic, ros_type, qos=qos, type_hash=type_hash(ros_type))

    def put(self, sample):
        if MAX_SAMPLES and len(self.queue) >= MAX_SAMPLES:
            self.lost_n += 1
        else:
            self.queue.append(sample)

    def take_message(self, message_class, raw):
        assert raw is True
        if not self.queue:
            return None
        sample = self.queue.popleft()
        info = {"source_timestamp": sample.source_ns, "received_timestamp": time.time_ns()}
        # The wire has no numbers; over a reliable one, the arrivals of each publisher are numbered alike.
        self.sequences[sample.publisher] = number = self.sequences.get(sample.publisher, 0) + 1
        if VERSION.info_has_sequence:
            info["publication_sequence_number"] = None if VERSION.rmw == CYCLONE else number
            info["reception_sequence_number"] = None
        if VERSION.info_has_gid:
            guid = bytes.fromhex(sample.publisher)
            data = guid[8:].ljust(VERSION.gid_size, b"\0") if VERSION.rmw == CYCLONE else guid
            info["publisher_gid"] = {"implementation_identifier": VERSION.rmw, "data": data}
        return sample.cdr, info

    def get_publisher_count(self):
        return self.node.wire.matched(self.topic)

    def destroy(self):
        if self.node.subscriptions.pop(self.topic, None) and not self.node.doomed:
            self.node.wire.unsubscribe(self.topic)


class Publisher(Destroyable):
    def __init__(self, node, message_class, topic, profile):
        super().__init__()
        self.topic, self.ros_type, self.qos = topic, type_name(message_class), wire_qos(profile)
        self.writer = node.wire.advertise(topic, self.ros_type, qos=self.qos, type_hash=type_hash(self.ros_type))
        node.publishers.append(self)

    def publish_raw(self, message):
        self.writer.publish(message)

    def publish(self, message):
        self.writer.publish(codec(self.ros_type).encode(vars(message)))

    def get_subscription_count(self):
        return self.writer.matched()


class Service(Destroyable):
    """Requests and responses are objects with the fields of the definitions."""

    def __init__(self, node, service_type, name):
        super().__init__()
        self.name = name
        self.server = node.wire.serve(name, type_name(service_type))
        package = service_type.__module__.partition(".")[0]
        self.codecs = [Codec(f"{package}/msg/Half", text) for text in service_type.TEXTS]
        self.waiting = deque()

    def service_take_request(self, request_class):
        self.waiting.extend(self.server.take())
        if not self.waiting:
            return None, None
        header = self.waiting.popleft()
        request = request_class()
        vars(request).update(self.codecs[0].decode(header.cdr))
        return request, header

    def service_send_response(self, response, header):
        self.server.reply(header, self.codecs[1].encode(vars(response)))


class MessageLostStatus:
    def __init__(self, total_count, total_count_change):
        self.total_count, self.total_count_change = total_count, total_count_change


class EventHandle(Destroyable):
    def __init__(self, subscription, event_type):
        super().__init__()
        assert event_type == SubscriptionEventType.RCL_SUBSCRIPTION_MESSAGE_LOST
        if not VERSION.lost_events:
            raise UnsupportedEventTypeError("subscription event is unsupported")
        self.subscription = subscription
        self.told_n = 0

    def take_event(self):
        total, change = self.subscription.lost_n, self.subscription.lost_n - self.told_n
        self.told_n = total
        return MessageLostStatus(total, change)


class WaitSet(Destroyable):
    """Fixed room, filled anew for each wait; after it, only what is ready is left."""

    def __init__(self, subscriptions, guards, timers, clients, services, events, context):
        super().__init__()
        self.context = context
        self.room = {"subscription": subscriptions, "event": events}
        self.clear_entities()

    def clear_entities(self):
        self.entities = {"subscription": [], "event": []}

    def add_subscription(self, subscription):
        return self._add("subscription", subscription)

    def add_event(self, event):
        return self._add("event", event)

    def _add(self, kind, entity):
        assert isinstance(entity, Destroyable)
        if len(self.entities[kind]) == self.room[kind]:
            raise RCLError(f"failed to add {kind} to wait set")
        self.entities[kind].append(entity)
        return len(self.entities[kind]) - 1

    def wait(self, timeout_ns):
        subscriptions, events = self.entities["subscription"], self.entities["event"]
        held = [self, self.context, *subscriptions, *events]
        assert all(one.users_n for one in held), "rcl may free what nobody holds while it is waited on"
        if not subscriptions and not events:
            raise RCLError("failed to wait on wait set: wait set is empty")
        deadline = time.monotonic() + timeout_ns / 1e9
        nodes = {id(one.node): one.node for one in subscriptions}.values()
        while True:
            for node in nodes:
                node.pump(0.0)
            left_s = deadline - time.monotonic()
            if self._ready() or left_s <= 0:
                break
            for node in nodes:
                node.pump(min(left_s, SLICE_S))
        self.entities = {
            "subscription": [one if one.queue else None for one in subscriptions],
            "event": [one if one.subscription.lost_n > one.told_n else None for one in events],
        }

    def _ready(self):
        lost = any(one.subscription.lost_n > one.told_n for one in self.entities["event"])
        return lost or any(one.queue for one in self.entities["subscription"])

    def is_ready(self, kind, index):
        return self.entities[kind][index] is not None

    def get_ready_entities(self, kind):
        return [one.pointer for one in self.entities[kind] if one is not None]
