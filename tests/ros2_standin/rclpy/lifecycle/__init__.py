"""Managed nodes: rcl's machine of states, and the services by which others drive it."""

from enum import Enum

from lifecycle_msgs.srv import ChangeState, GetState

from rclpy.native import RCLError
from rclpy.node import Node
from rclpy.versions import VERSION

if not VERSION.lifecycle:
    raise ModuleNotFoundError("No module named 'lifecycle_msgs'")

STATES = {"unconfigured": 1, "inactive": 2, "active": 3, "finalized": 4}
# id -> label, where from, callback, where to; lifecycle_msgs/msg/Transition
TRANSITIONS = {
    1: ("configure", "unconfigured", "on_configure", "inactive"),
    2: ("cleanup", "inactive", "on_cleanup", "unconfigured"),
    3: ("activate", "inactive", "on_activate", "active"),
    4: ("deactivate", "active", "on_deactivate", "inactive"),
    5: ("shutdown", "unconfigured", "on_shutdown", "finalized"),
    6: ("shutdown", "inactive", "on_shutdown", "finalized"),
    7: ("shutdown", "active", "on_shutdown", "finalized"),
}


class TransitionCallbackReturn(Enum):
    SUCCESS, FAILURE, ERROR = range(3)


class LifecycleNodeMixin:
    """Of a class of its own, as there: its private names are known by that."""

    def _manage(self):
        self._state = "unconfigured"
        # Bound once, as the real one registers them.
        self._callbacks = {name: getattr(self, name) for _, _, name, _ in TRANSITIONS.values()}
        self.create_service(ChangeState, "~/change_state", self.__on_change_state)
        self.create_service(GetState, "~/get_state", self._on_get_state)

    def trigger_configure(self):
        return self.__change_state(1)

    def trigger_activate(self):
        return self.__change_state(3)

    def __change_state(self, transition_id):
        _, begin, name, end = TRANSITIONS.get(transition_id, ("", "", "", ""))
        if self._state != begin:
            if not VERSION.answers_wrong_transitions:
                raise RCLError("Failed to trigger lifecycle state machine transition: Transition is not registered.")
            self.get_logger().error(f"Unable to start transition {transition_id} from current state {self._state}")
            return TransitionCallbackReturn.ERROR
        try:
            code = self._callbacks[name](self._state)
        except Exception:  # noqa: BLE001  # as the real one
            code = TransitionCallbackReturn.ERROR
        if code == TransitionCallbackReturn.SUCCESS:
            self._state = end
        elif code == TransitionCallbackReturn.ERROR:
            handled = self.on_error(self._state) == TransitionCallbackReturn.SUCCESS
            self._state = "unconfigured" if handled else "finalized"
        return code

    def __on_change_state(self, request, response):
        asked, label = request.transition["id"], request.transition["label"]
        if label:
            found = [number for number, row in TRANSITIONS.items() if row[:2] == (label, self._state)]
            if not found:
                response.success = False
                return response
            asked = found[0]
        response.success = self.__change_state(asked) == TransitionCallbackReturn.SUCCESS
        return response

    def _on_get_state(self, request, response):
        response.current_state = {"id": STATES[self._state], "label": self._state}
        return response


class LifecycleNode(LifecycleNodeMixin, Node):
    def __init__(self, node_name, *, enable_communication_interface=True, **kwargs):
        Node.__init__(self, node_name, **kwargs)
        self._manage()
