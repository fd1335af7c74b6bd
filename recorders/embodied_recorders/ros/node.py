"""The recorder's node: services under its name, a latched status topic, parameters, a lifecycle where there is one."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Final, cast

from embodied_kit.errors import UsageError
from embodied_kit.language import pick
from embodied_kit.model.stream import LATCHED
from embodied_recorders.loop.control import Reply
from embodied_recorders.loop.words import Said
from embodied_recorders.transports.domain import ros_domain
from embodied_recorders.transports.ros2.qos import profile_of
from embodied_recorders.transports.ros2.transport import refusals

from .api import (
    LifecycleModule,
    LifecycleNode,
    NodeExecutor,
    Parameters,
    Response,
    ServingNode,
    SetBoolRequest,
    StringPublisher,
    Value,
)
from .desk import STATUS, STATUS_PERIOD_S, SWITCH, TRIGGERS, Desk
from .load import RosModules
from .stages import Stages

NODE_NAME: Final = "episode_recorder"
_SPIN_S = 0.1
SAID: Final[Parameters] = {one.name: getattr(Said(), one.name) for one in fields(Said)}
"""Parameters that go with services; read anew at each call, so `ros2 param set` changes them."""
SIM_TIME: Final = "use_sim_time"
"""Every node has this parameter."""
_BAD_ARGUMENTS: Final = frozenset({"RCLInvalidROSArgsError", "UnknownROSArgsError"})
_CHANGE: Final = "_LifecycleNodeMixin__change_state"


def said_by(node: ServingNode) -> Said:
    """What the node's parameters say now."""
    return Said(**{name: str(node.get_parameter(name).value) for name in SAID})


def values_of(node: ServingNode, names: Sequence[str]) -> dict[str, Value | None]:
    """Parameters as they are now; None for a list that was given empty, whose type rcl cannot tell."""
    return {name: node.get_parameter_or(name).value for name in names}


class Served:
    """A node that answers for a desk; `turn` is called again and again by one thread."""

    def __init__(self, rclpy: RosModules, node: ServingNode, desk: Desk, executor: NodeExecutor) -> None:
        self._rclpy, self._desk, self._executor = rclpy, desk, executor
        for word in TRIGGERS:
            node.create_service(rclpy.trigger, f"~/{word}", self._pressed(word))
        node.create_service(rclpy.set_bool, f"~/{SWITCH}", self._switched)
        self._status: StringPublisher = node.create_publisher(rclpy.string, f"~/{STATUS}", profile_of(rclpy, LATCHED))
        self._next_s = 0.0
        executor.add_node(node)

    def turn(self, timeout_s: float = _SPIN_S) -> None:
        """Answer what has come, and tell the status where it is time. No ROS timer: those stop with simulated time."""
        self._executor.spin_once(timeout_sec=timeout_s)
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + STATUS_PERIOD_S
            message = self._rclpy.string()
            message.data = self._desk.status()
            self._status.publish(message)

    def _pressed(self, word: str) -> Callable[[object, Response], Response]:
        def answer(_request: object, response: Response) -> Response:
            return self._filled(response, *self._desk.press(word))

        return answer

    def _switched(self, request: object, response: Response) -> Response:
        return self._filled(response, *self._desk.switch(on=cast("SetBoolRequest", request).data))

    def _filled(self, response: Response, done: bool, message: str) -> Response:  # as the desk has it
        response.success, response.message = done, message
        self._next_s = 0.0
        return response


@contextmanager
def attached(desk: Desk, domain_id: int | None = None) -> Iterator[None]:
    """Serve a recorder that runs already from a plain node, in a thread of its own, until the block ends.

    Raises:
        EnvironmentUnfitError: No ROS 2 is sourced, or it cannot join.
    """
    rclpy = RosModules()
    over = threading.Event()
    with spinning(rclpy, [], domain_id) as spun:
        executor, make = spun
        served = Served(rclpy, make(rclpy.nodes.Node), desk, executor)

        def serve() -> None:
            while not over.is_set():
                served.turn()

        thread = threading.Thread(target=serve, name="embodied-kit-services")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class ManagedNode:
    """The recorder as a node whose parameters say what it records and whose lifecycle says when.

    Where rclpy has no lifecycle here, it is a plain node that configures and activates itself.

    Args:
        rclpy: Loaded.
        make: Makes a node of a class, in the context that is spun.
        executor: That spins it.
        declared: Further parameters and their defaults, beside `SAID`.
        stages: Made from a function that gives those parameters as they are.
        desk: Made from the node and its stages.

    Raises:
        UsageError: A parameter is given that is not of its type.
    """

    def __init__(
        self,
        rclpy: RosModules,
        make: Callable[[Callable[..., ServingNode]], ServingNode],
        executor: NodeExecutor,
        declared: Parameters,
        stages: Callable[[Callable[[], Mapping[str, Value | None]]], Stages],
        desk: Callable[[ServingNode, Stages], Desk],
    ) -> None:
        self.stages = stages(lambda: values_of(self.node, [*declared, SIM_TIME]))
        lifecycle = rclpy.lifecycle
        base = rclpy.nodes.Node if lifecycle is None else self._managed(lifecycle)
        self._is_managed = lifecycle is not None
        try:
            self.node = make(base)
            for name, value in {**SAID, **declared}.items():
                self.node.declare_parameter(name, value)
        except rclpy.parameter_error as error:
            raise UsageError(
                f"expected parameters of the node {NODE_NAME}, got: {error}", remedy="ros2 param describe"
            ) from error
        self._desk = desk(self.node, self.stages)
        self.served = Served(rclpy, self.node, self._desk, executor)

    def begin(self) -> None:
        """Configure and activate by itself."""
        if self._is_managed:
            node = cast("LifecycleNode", self.node)
            node.trigger_configure()
            if self.stages.stage == "inactive":
                node.trigger_activate()
        elif self._told(self.stages.configure()):
            self._told(self.stages.activate())

    def _managed(self, lifecycle: LifecycleModule) -> Callable[..., ServingNode]:
        """A class of lifecycle nodes whose transitions are those of our stages."""
        returns = lifecycle.TransitionCallbackReturn

        def transition(name: str) -> Callable[[object, object], object]:
            def run(_node: object, _state: object) -> object:
                step = cast("Callable[[], Reply]", getattr(self.stages, name))
                try:
                    return returns.SUCCESS if self._told(step()) else returns.FAILURE
                except Exception:  # noqa: BLE001  # rclpy would drop it without a word
                    self.node.get_logger().error(traceback.format_exc())
                    return returns.ERROR

            return run

        names = {f"on_{name}": name for name in ("configure", "activate", "deactivate", "cleanup", "shutdown")}
        steps = {method: transition(name) for method, name in {**names, "on_error": "cleanup"}.items()}
        methods = {**steps, **_refusing(lifecycle)}
        return cast("Callable[..., ServingNode]", type("EpisodeRecorder", (lifecycle.LifecycleNode,), methods))

    def _told(self, reply: Reply) -> bool:
        logger = self.node.get_logger()
        (logger.info if reply.done else logger.error)(pick(reply.text, self._desk.language))
        return reply.done


def _refusing(lifecycle: LifecycleModule) -> dict[str, object]:
    """A method that answers a transition which the state does not have: up to Jazzy, it would end the program."""
    change: Callable[[ServingNode, int], object] | None = getattr(lifecycle.LifecycleNode, _CHANGE, None)
    if change is None:
        return {}

    def changed(node: ServingNode, transition_id: int) -> object:
        try:
            return change(node, transition_id)
        except RuntimeError as error:
            node.get_logger().error(str(error))
            return lifecycle.TransitionCallbackReturn.ERROR

    return {_CHANGE: changed}


@contextmanager
def _arguments_read() -> Iterator[None]:
    """What rcl says of the words of a command line, as an error of ours."""
    try:
        yield
    except RuntimeError as error:
        if type(error).__name__ not in _BAD_ARGUMENTS and "Couldn't parse" not in str(error):
            raise
        raise UsageError(
            f"expected ROS arguments, got: {error}",
            remedy="ros2 run embodied_kit episode_recorder_node --ros-args -p contract:=C -p dataset:=D -p task:=T",
        ) from error


@contextmanager
def spinning(
    rclpy: RosModules, arguments: Sequence[str], domain_id: int | None = None
) -> Iterator[tuple[NodeExecutor, Callable[[Callable[..., ServingNode]], ServingNode]]]:
    """A context of our own, and in it an executor and what makes nodes; all of it ends with the block.

    Args:
        rclpy: Loaded.
        arguments: Words of the command line, `--ros-args` among them.
        domain_id: None takes ROS_DOMAIN_ID, else 0.

    Raises:
        EnvironmentUnfitError: rclpy cannot join.
        UsageError: rcl cannot read the ROS arguments.
    """
    context, nodes = rclpy.context.Context(), list[ServingNode]()
    domain = ros_domain(domain_id)
    with refusals(f"join ROS domain {domain} over {rclpy.rmw}"), _arguments_read():
        context.init(list(arguments), domain_id=domain)
    executor = rclpy.spinning.SingleThreadedExecutor(context=context)

    def make(base: Callable[..., ServingNode]) -> ServingNode:
        nodes.append(base(NODE_NAME, context=context))
        return nodes[-1]

    try:
        yield executor, make
    finally:
        executor.shutdown()
        for node in nodes:
            node.destroy_node()
        context.try_shutdown()
